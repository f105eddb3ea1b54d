# embed_model(TARGET NAME FOLDER): puts FOLDER's files into TARGET as the model NAME (src/loading/embedded_model.h), through
# an assembler file of .incbin lines, which costs no time to compile and stays mapped from the binary. Without a
# complete model in FOLDER the target gets an empty list. Appearing and changing files rebuild what is needed.
function(embed_model target name folder)
  file(GLOB found CONFIGURE_DEPENDS ${folder}/*)
  set(files config.json generation_config.json tokenizer.json model.safetensors)
  set(present "")
  foreach(file ${files})
    if("${folder}/${file}" IN_LIST found)
      list(APPEND present ${file})
    endif()
  endforeach()
  foreach(file config.json tokenizer.json model.safetensors)
    if(NOT file IN_LIST present)
      set(present "")
      message(STATUS "No complete model in ${folder}: the binary will have no default model")
      break()
    endif()
  endforeach()

  set(assembly "#ifdef __CET__\n#include <cet.h>\n#endif\n    .section .rodata\n")
  set(symbols "")
  set(rows "")
  set(index 0)
  set(dependencies "")
  foreach(file ${present})
    set(symbol continuo_embedded_${index})
    string(APPEND assembly "    .balign 64\n    .globl ${symbol}_begin\n${symbol}_begin:\n    .incbin \"${folder}/${file}\"\n"
                           "    .globl ${symbol}_end\n${symbol}_end:\n    .byte 0\n")
    string(APPEND symbols "extern \"C\" const std::byte ${symbol}_begin[], ${symbol}_end[];\n")
    string(APPEND rows "      {\"${file}\", {${symbol}_begin, ${symbol}_end}},\n")
    list(APPEND dependencies ${folder}/${file})
    math(EXPR index "${index} + 1")
  endforeach()
  string(APPEND assembly "    .section .note.GNU-stack,\"\",%progbits\n")

  set(source "#include \"loading/embedded_model.h\"\n\n${symbols}\nnamespace continuo {\n\n")
  if(present)
    string(APPEND source "const std::string_view kEmbeddedModelName = \"${name}\";\n\n"
                         "std::span<const EmbeddedFile> embedded_model_files() {\n"
                         "  static const EmbeddedFile files[] = {\n${rows}  };\n  return files;\n}\n")
  else()
    string(APPEND source "const std::string_view kEmbeddedModelName;\n\n"
                         "std::span<const EmbeddedFile> embedded_model_files() { return {}; }\n")
  endif()
  string(APPEND source "\n}  // namespace continuo\n")

  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_model)
  file(CONFIGURE OUTPUT ${output}.S CONTENT "${assembly}" @ONLY)
  file(CONFIGURE OUTPUT ${output}_files.cpp CONTENT "${source}" @ONLY)
  set_source_files_properties(${output}.S PROPERTIES OBJECT_DEPENDS "${dependencies}")
  target_sources(${target} PRIVATE ${output}.S ${output}_files.cpp)
endfunction()
