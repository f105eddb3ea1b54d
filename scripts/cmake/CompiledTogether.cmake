# What is compiled together where CONTINUO_UNITY is on. Most of the time of a small file goes into what it includes, JSON
# above all, so files of a group take hardly longer than one of them. Files in no group are compiled by themselves: hot
# loops, and files whose private names are another's.

# continuo_together(FOLDER GROUP NAMES...): sources of a folder, without ".cpp".
function(continuo_together folder group)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/ OUTPUT_VARIABLE sources)
  list(TRANSFORM sources APPEND .cpp)
  set_source_files_properties(${sources} PROPERTIES UNITY_GROUP ${group})
endfunction()

# Families call their parts by the same names; in a group each name gets its file's own ending.
set(own_names "")
foreach(name kTensors kPrefixes kIgnored kGgufNames kBlocks kStacks adapt_gguf write_gguf mamba_of attention_layers rope_of)
  string(APPEND own_names "#define ${name} CONTINUO_CONCAT(${name}_, CONTINUO_FILE)\n")
endforeach()
set_target_properties(continuo_model PROPERTIES UNITY_BUILD_UNIQUE_ID CONTINUO_FILE UNITY_BUILD_CODE_BEFORE_INCLUDE "${own_names}")
set(index 0)
foreach(family ${families})
  get_filename_component(name ${family} NAME_WLE)
  math(EXPR group "${index} / 12")
  math(EXPR index "${index} + 1")
  continuo_together(model families_${group} families/${name})
endforeach()

file(GLOB options RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/cli CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cli/options/*.cpp)
list(TRANSFORM options REPLACE "\\.cpp$" "")
continuo_together(cli options ${options})
continuo_together(cli describe describe_model describe_checkpoint families_list quantize_command)
continuo_together(cli texts fill_command tokenize_command continue_command prompt sampling_settings)
continuo_together(cli scores score_command score/record_run inspect_command)
continuo_together(cli requests batch_command batch/answer_file batch/intake batch/progress serve_command engine_options)
continuo_together(cli words help hints commands config_file foreign_options option_row spelling terminal output)
continuo_together(cli bench bench_command bandwidth peak)
continuo_together(serve api access api_answer api_request completion_call engine_loop metrics)
continuo_together(serve http http_beast http_connection)
continuo_together(requests requests answer csv fields json_answer record_answer request_json submission token_ids)
continuo_together(requests records record scored)
continuo_together(loading loading generation_config gguf_tokenizer embedding_settings token_roles home_folder hub_cache
                  loaded_model model_work read_gguf_tokenizer)
continuo_together(model spec model hyper_parameters rope_parameters family_parts tensor_finder tensor_names wrappers
                  fp8 spec)
continuo_together(model gguf gguf gguf_export gguf_keys gguf_metadata gguf_rope)
continuo_together(model bind bind_attention bind_delta_net bind_rg_lru bind_parts bind_short_conv)
continuo_together(explain record attention_facts continuations cost html lens markup memory_record npy outputs)
continuo_together(explain panels panels panels/attention panels/cost panels/embedding panels/lens panels/output
                  panels/positions panels/text panels/tokens)
continuo_together(io io checkpoint gguf_checkpoint gguf_writer json_events json_tensors model_files)
continuo_together(text files gguf_vocabulary sentencepiece_model sentencepiece_normalizer sentencepiece_proto
                  tokenizer_config tokenizer_files rwkv_vocabulary protobuf gguf_pre_tokenizers added_tokens)
continuo_together(text parts tokenizer_json bert_vocabulary normalizer post_processor decoder part word_list)
