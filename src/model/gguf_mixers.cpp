// Mixers on their way into a GGUF file.
#include <cmath>

#include "model/gguf_parts.h"

namespace continuo {

namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

// Which of a map's outputs is row `r` in the file, where heads of `head` outputs stand in pairs (0: they do not).
std::size_t paired_output(std::size_t r, std::size_t head) {
  if (head == 0) return r;
  const std::size_t i = r % head;
  return r - i + i / 2 + i % 2 * (head / 2);
}

MapRows paired(MapRows rows, std::size_t head) {
  if (head == 0 || !rows.row) return rows;
  const std::size_t count = rows.rows;
  return picked(std::move(rows), count, [head](std::size_t r) { return paired_output(r, head); });
}

struct Qkv {
  MapRows q, k, v;
};

// Of one map that makes them group after group of heads that share keys.
Qkv ungrouped(const Linear& all, const AttentionSpec& spec) {
  const std::size_t head = size(spec.head_dim), per_group = size(spec.n_heads / spec.n_kv_heads);
  const std::size_t group = (per_group + 2) * head, kv_rows = size(spec.n_kv_heads) * head;
  const auto q = [=](std::size_t r) {
    const std::size_t h = r / head;
    return h / per_group * group + h % per_group * head + r % head;
  };
  const auto k = [=](std::size_t r) { return r / head * group + per_group * head + r % head; };
  const auto v = [=](std::size_t r) { return k(r) + head; };
  return {.q = picked(rows_of(all), size(spec.n_heads) * head, q),
          .k = picked(rows_of(all), kv_rows, k),
          .v = picked(rows_of(all), kv_rows, v)};
}

// The keys' maps the other way round, as one tensor with the values' has them: for each head its keys' rows, its
// values'.
MapRows joined_latent(const LatentSpec& latent, const AttentionWeights& weights) {
  std::vector<MapRows> parts;
  for (std::size_t h = 0; h < weights.k_b.size(); ++h) {
    Matrix k = weights.k_b[h].weight;
    k.rows = size(latent.nope_dim);
    k.cols = size(latent.kv_rank);
    k.layout = weights.k_b[h].weight.layout == Layout::transposed ? Layout::row_major : Layout::transposed;
    parts.push_back(rows_of(k));
    parts.push_back(rows_of(weights.v_b[h]));
  }
  return joined(std::move(parts));
}

void export_latent(PartExporter& exporter, const TensorPlace& place, const LatentSpec& latent,
                   const AttentionWeights& weights) {
  if (latent.q_rank > 0) {
    exporter.map(Role::latent_q_a, Role::latent_q_a_bias, place, rows_of(weights.q_a));
    exporter.norm(Role::latent_q_norm, Role::latent_q_norm, place, latent.norm, weights.q_a_norm);
    exporter.map(Role::latent_q_b, place, rows_of(weights.q_b));
  } else {
    exporter.map(Role::attention_q, place, rows_of(weights.q_b));
  }
  exporter.map(Role::latent_kv_a, Role::latent_kv_a_bias, place, rows_of(weights.kv_a));
  exporter.norm(Role::latent_kv_norm, Role::latent_kv_norm, place, latent.norm, weights.kv_a_norm);
  if (!exporter.gguf().split_latent) return exporter.map(Role::latent_kv_b, place, joined_latent(latent, weights));
  std::vector<MapRows> k, v;
  for (std::size_t h = 0; h < weights.k_b.size(); ++h) {
    k.push_back(rows_of(weights.k_b[h]));
    v.push_back(rows_of(weights.v_b[h]));
  }
  exporter.stack(Role::latent_k_b, place, k);
  exporter.stack(Role::latent_v_b, place, v);
}

void export_qkv(PartExporter& exporter, const TensorPlace& place, const AttentionSpec& spec, Qkv maps) {
  if (exporter.gguf().fused_qkv && maps.k.row && maps.v.row) {
    std::vector<MapRows> parts = {std::move(maps.q), std::move(maps.k), std::move(maps.v)};
    return exporter.map(Role::attention_qkv, Role::attention_qkv_bias, place, joined(std::move(parts)));
  }
  const std::size_t head = exporter.gguf().paired_heads ? size(spec.head_dim) : 0;
  if (exporter.gguf().folds_scales && maps.k.row) {
    const float by = spec.scale * std::sqrt(static_cast<float>(spec.head_dim));
    maps.k = scaled(std::move(maps.k), [by](std::size_t) { return by; });
  }
  exporter.map(Role::attention_q, Role::attention_q_bias, place, paired(std::move(maps.q), head));
  exporter.map(Role::attention_k, Role::attention_k_bias, place, paired(std::move(maps.k), head));
  exporter.map(Role::attention_v, Role::attention_v_bias, place, maps.v);
}

// A norm of queries or keys: one row for all heads, or one for each.
void export_head_norm(PartExporter& exporter, Role weight, Role bias, const TensorPlace& place, const QkNormSpec& spec,
                      const NormWeights& norm, std::size_t head_dim) {
  if (spec.span != QkNormSpec::Span::own_head) return exporter.norm(weight, bias, place, spec.norm, norm);
  const std::size_t heads = norm.weight.size() / head_dim;
  exporter.values(weight, place, {heads, head_dim}, norm.weight);
  exporter.values(bias, place, {heads, head_dim}, norm.bias);
}

MapRows times(MapRows rows, float scale) {
  if (scale == 1 || !rows.row) return rows;
  return scaled(std::move(rows), [scale](std::size_t) { return scale; });
}

void export_part(PartExporter& exporter, const TensorPlace& place, const AttentionSpec& spec,
                 const AttentionWeights& weights, float scale) {
  if (spec.latent) {
    export_latent(exporter, place, *spec.latent, weights);
  } else if (weights.qkv.weight.data) {
    export_qkv(exporter, place, spec, ungrouped(weights.qkv, spec));
  } else {
    export_qkv(exporter, place, spec, {rows_of(weights.q), rows_of(weights.k), rows_of(weights.v)});
  }
  if (spec.qk_norm) {
    const std::size_t head_dim = size(spec.head_dim);
    export_head_norm(exporter, Role::attention_q_norm, Role::attention_q_norm_bias, place, *spec.qk_norm,
                     weights.q_norm, head_dim);
    export_head_norm(exporter, Role::attention_k_norm, Role::attention_k_norm_bias, place, *spec.qk_norm,
                     weights.k_norm, head_dim);
  }
  exporter.values(Role::attention_sinks, place, {weights.sinks.size()}, weights.sinks);
  exporter.norm(Role::attention_out_norm, Role::attention_out_norm, place, spec.out_norm, weights.out_norm);
  exporter.map(Role::attention_gate, place, rows_of(weights.gate));
  exporter.map(Role::attention_out, Role::attention_out_bias, place, times(rows_of(weights.out), scale));
}

void export_part(PartExporter& exporter, const TensorPlace& place, const ShortConvSpec& spec,
                 const ShortConvWeights& weights, float) {
  exporter.map(Role::conv_in, Role::conv_in_bias, place, rows_of(weights.in));
  exporter.filters(Role::conv_filters, place, size(spec.d_inner), weights.conv);
  exporter.values(Role::conv_filters_bias, place, {weights.conv_bias.size()}, weights.conv_bias);
  exporter.map(Role::conv_out, Role::conv_out_bias, place, rows_of(weights.out));
}

void export_part(PartExporter& exporter, const TensorPlace& place, const MambaSpec& spec, const MambaWeights& weights,
                 float) {
  const std::size_t width = size(spec.d_inner);
  exporter.map(Role::mamba_in, Role::mamba_in_bias, place, rows_of(weights.in));
  exporter.filters(Role::conv_filters, place, width, weights.conv);
  exporter.values(Role::conv_filters_bias, place, {weights.conv_bias.size()}, weights.conv_bias);
  exporter.map(Role::mamba_x, place, rows_of(weights.x));
  exporter.map(Role::mamba_dt, Role::mamba_dt_bias, place, rows_of(weights.dt));
  exporter.norm(Role::mamba_dt_norm, Role::mamba_dt_norm, place, spec.inner_norm, weights.dt_norm);
  exporter.norm(Role::mamba_b_norm, Role::mamba_b_norm, place, spec.inner_norm, weights.b_norm);
  exporter.norm(Role::mamba_c_norm, Role::mamba_c_norm, place, spec.inner_norm, weights.c_norm);
  exporter.filters(Role::mamba_rate, place, width, weights.a);  // d_state rows of channels, as filters are
  exporter.values(Role::mamba_skip, place, {width}, weights.skip);
  exporter.map(Role::mamba_out, Role::mamba_out_bias, place, rows_of(weights.out));
}

// By what the outputs z, x, B, C, dt of Mamba-2's first map are multiplied.
std::function<float(std::size_t)> mamba2_scales(const Mamba2Spec& spec) {
  const std::size_t inner = size(spec.d_inner()), shared = size(spec.n_groups * spec.d_state);
  return [=, in = spec.input_scale, scales = spec.scales](std::size_t r) {
    const std::size_t ends[] = {inner, 2 * inner, 2 * inner + shared, 2 * inner + 2 * shared};
    std::size_t part = 0;
    while (part < 4 && r >= ends[part]) ++part;
    return in * (scales.empty() ? 1.0f : scales[part]);
  };
}

void export_part(PartExporter& exporter, const TensorPlace& place, const Mamba2Spec& spec, const Mamba2Weights& weights,
                 float scale) {
  const std::size_t heads = size(spec.n_heads), groups = size(spec.n_groups);
  MapRows in = rows_of(weights.in);
  if (exporter.gguf().folds_scales) in = scaled(std::move(in), mamba2_scales(spec));
  exporter.map(Role::mamba_in, Role::mamba_in_bias, place, in);
  exporter.filters(Role::conv_filters, place, size(spec.conv_channels()), weights.conv);
  exporter.values(Role::conv_filters_bias, place, {weights.conv_bias.size()}, weights.conv_bias);
  exporter.values(Role::mamba_rate, place, {heads, 1}, weights.a);
  exporter.values(Role::mamba_dt_bias, place, {heads}, weights.dt_bias);
  exporter.values(Role::mamba_skip, place, {heads, 1}, weights.skip);
  exporter.values(Role::mamba_norm, place, {groups, weights.norm.weight.size() / groups}, weights.norm.weight);
  exporter.map(Role::mamba_out, Role::mamba_out_bias, place, times(rows_of(weights.out), scale));
}

// The orders in which the values of a delta net's heads stand in the file.
struct HeadOrder {
  std::size_t key_heads, per_key;
  bool tiled;
  // Which of our value heads is the file's head h.
  std::size_t head(std::size_t h) const { return tiled ? h % key_heads * per_key + h / key_heads : h; }
  // The same for values of heads that are `dim` long, behind `before` values of something else.
  std::function<std::size_t(std::size_t)> values(std::size_t dim, std::size_t before = 0) const {
    return [=, order = *this](std::size_t r) {
      return r < before ? r : before + order.head((r - before) / dim) * dim + (r - before) % dim;
    };
  }
};

// Queries, keys and values of all heads, of a map that makes them and gates key head after key head.
Qkv ungrouped_delta(const DeltaNetSpec& spec, const Linear& all, MapRows& z) {
  const std::size_t key = size(spec.key_dim), per_key = size(spec.n_value_heads / spec.n_key_heads);
  const std::size_t value = per_key * size(spec.value_dim), group = 2 * key + 2 * value;
  const auto part = [&](std::size_t dim, std::size_t first) {
    return picked(rows_of(all), size(spec.n_key_heads) * dim,
                  [=](std::size_t r) { return r / dim * group + first + r % dim; });
  };
  z = part(value, 2 * key + value);
  return {.q = part(key, 0), .k = part(key, key), .v = part(value, 2 * key)};
}

MapRows in_order(MapRows rows, std::function<std::size_t(std::size_t)> order) {
  const std::size_t count = rows.rows;
  return rows.row ? picked(std::move(rows), count, std::move(order)) : rows;
}

std::vector<float> in_order(const std::vector<float>& values, const HeadOrder& order) {
  std::vector<float> out;
  for (std::size_t h = 0; h < values.size(); ++h) out.push_back(values[order.head(h)]);
  return out;
}

void export_part(PartExporter& exporter, const TensorPlace& place, const DeltaNetSpec& spec,
                 const DeltaNetWeights& weights, float) {
  const std::size_t keys = 2 * size(spec.n_key_heads) * size(spec.key_dim), value_dim = size(spec.value_dim);
  const HeadOrder order{.key_heads = size(spec.n_key_heads),
                        .per_key = size(spec.n_value_heads / spec.n_key_heads),
                        .tiled = exporter.gguf().tiled_heads};
  MapRows z = rows_of(weights.z), qkv = rows_of(weights.qkv);
  if (weights.qkvz.weight.data) {
    Qkv apart = ungrouped_delta(spec, weights.qkvz, z);
    qkv = joined({std::move(apart.q), std::move(apart.k), std::move(apart.v)});
  } else if (weights.q.weight.data) {
    qkv = joined({rows_of(weights.q), rows_of(weights.k), rows_of(weights.v)});
  }
  exporter.map(Role::delta_qkv, place, in_order(std::move(qkv), order.values(value_dim, keys)));
  exporter.map(Role::delta_z, place, in_order(std::move(z), order.values(value_dim)));
  exporter.map(Role::delta_b, place, in_order(rows_of(weights.b), order.values(1)));
  exporter.map(Role::delta_a, place, in_order(rows_of(weights.a), order.values(1)));
  exporter.map(Role::delta_ba, place, rows_of(weights.ba));
  exporter.filters(Role::conv_filters, place, size(spec.conv_channels()), weights.conv, order.values(value_dim, keys));
  const std::size_t heads = size(spec.n_value_heads);
  exporter.values(Role::delta_rate, place, {heads}, in_order(weights.decay, order));
  exporter.values(Role::delta_dt_bias, place, {heads}, in_order(weights.dt_bias, order));
  exporter.values(Role::delta_norm, place, {value_dim}, weights.norm.weight);
  exporter.map(Role::delta_out, place, with_columns(rows_of(weights.out), order.values(value_dim)));
}

// Shares of the row before, in one tensor as bind_rwkv.cpp reads them.
void export_shares(PartExporter& exporter, const TensorPlace& place,
                   const std::vector<const std::vector<float>*>& all) {
  std::vector<float> rows;
  for (const std::vector<float>* each : all) rows.insert(rows.end(), each->begin(), each->end());
  exporter.values(Role::rwkv_mix_fused, place, {all.size(), 1, 1, all.front()->size()}, std::move(rows));
}

void export_rwkv6(PartExporter& exporter, const TensorPlace& place, const RwkvSpec& spec, const RwkvWeights& weights) {
  exporter.values(Role::rwkv_mix_x, place, {1, 1, weights.mix_x.size()}, weights.mix_x);
  export_shares(exporter, place, {&weights.mix_w, &weights.mix_k, &weights.mix_v, &weights.mix_r, &weights.mix_g});
  exporter.map(Role::rwkv_shift_1, place, rows_of(weights.shift_1));
  std::vector<MapRows> shifts;
  for (const Linear& map : weights.shift_2) shifts.push_back(rows_of(map));
  exporter.stack(Role::rwkv_shift_2, place, shifts);
  exporter.map(Role::rwkv_gate, place, rows_of(weights.gate));
  exporter.values(Role::rwkv_first, place, {size(spec.n_heads), size(spec.head_dim)}, weights.first);
}

void export_rwkv7(PartExporter& exporter, const TensorPlace& place, const RwkvWeights& weights) {
  export_shares(exporter, place,
                {&weights.mix_r, &weights.mix_w, &weights.mix_k, &weights.mix_v, &weights.mix_a, &weights.mix_g});
  const auto row = [&](Role role, const std::vector<float>& values) {
    exporter.values(role, place, {values.size()}, values);
  };
  row(Role::rwkv_learning, weights.learning);
  row(Role::rwkv_value_mix, weights.value_mix);
  row(Role::rwkv_key_scale, weights.key_scale);
  row(Role::rwkv_key_learning, weights.key_learning);
  row(Role::rwkv_first, weights.first);
  exporter.map(Role::rwkv_learning_1, place, rows_of(weights.learning_1));
  exporter.map(Role::rwkv_learning_2, place, rows_of(weights.learning_2));
  exporter.map(Role::rwkv_value_1, place, rows_of(weights.value_1));
  exporter.map(Role::rwkv_value_2, place, rows_of(weights.value_2));
  exporter.map(Role::rwkv_gate_1, place, rows_of(weights.gate_1));
  exporter.map(Role::rwkv_gate_2, place, rows_of(weights.gate_2));
}

void export_part(PartExporter& exporter, const TensorPlace& place, const RwkvSpec& spec, const RwkvWeights& weights,
                 float) {
  if (spec.version == 6) export_rwkv6(exporter, place, spec, weights);
  if (spec.version == 7) export_rwkv7(exporter, place, weights);
  exporter.values(Role::rwkv_decay, place, {weights.decay.size()}, weights.decay);
  exporter.map(Role::rwkv_decay_1, place, rows_of(weights.decay_1));
  exporter.map(Role::rwkv_decay_2, place, rows_of(weights.decay_2));
  exporter.map(Role::rwkv_receptance, place, rows_of(weights.receptance));
  exporter.map(Role::rwkv_key, place, rows_of(weights.key));
  exporter.map(Role::rwkv_value, place, rows_of(weights.value));
  exporter.map(Role::rwkv_out, place, rows_of(weights.out));
  exporter.norm(Role::rwkv_norm, Role::rwkv_norm_bias, place, LayerNormSpec{}, weights.norm);
}

void export_part(PartExporter& exporter, const TensorPlace& place, const BesideSpec& spec, const BesideWeights& weights,
                 float) {
  for (std::size_t i = 0; i < spec.parts.size(); ++i) {
    const float scale = exporter.gguf().folds_scales ? spec.parts[i].scale : 1;
    export_mixer(exporter, place, spec.parts[i].mixer, weights.parts[i], scale);
  }
}

void export_part(PartExporter&, const TensorPlace&, std::monostate, std::monostate, float) {}

}  // namespace

void export_mixer(PartExporter& exporter, const TensorPlace& place, const MixerSpec& spec, const MixerWeights& weights,
                  float scale) {
  std::visit(
      [&](const auto& kind, const auto& bound) {
        if constexpr (requires { export_part(exporter, place, kind, bound, scale); }) {
          export_part(exporter, place, kind, bound, scale);
        } else {
          exporter.refuse("a mixer of this kind", place);
        }
      },
      spec, weights);
}

}  // namespace continuo
