// Eq. (1) of the Flexible Layer paper and its derivatives, each in one pass over memory.
//
// Every number is rounded as torch's own operations round it one after another (flexnet/layers/passes.py): the same
// vectors, the same exponential, and a fused multiply-add exactly where torch has one. flexnet/layers/fused.py asks
// for the same bytes before it uses any of this. Compile without contraction, or the compiler fuses more of them.

#include <ATen/cpu/vec/vec.h>

#include <cstdint>

namespace {

using Vec = at::vec::Vectorized<float>;

Vec sigmoid(Vec z) { return (Vec(1.0f) + (Vec(0.0f) - z).exp()).reciprocal(); }

// Shares of both branches in the units that start at one place.
struct Shares {
  Vec of_max, of_conv;

  Shares(Vec pooled, Vec threshold, Vec slope, Vec low, Vec high) {
    const Vec argument = (threshold - pooled) * slope;
    of_max = sigmoid(at::vec::clamp(argument, low, high));
    of_conv = sigmoid(at::vec::clamp(argument.neg(), low, high));
  }
};

// The thresholds of the units that start at one place; `single`: one number for all.
Vec thresholds(const float* threshold, int64_t single, int64_t unit) {
  return single ? Vec(*threshold) : Vec::loadu(threshold + unit);
}

}  // namespace

extern "C" {

// `units` numbers of each of `images` images, a multiple of the length of a vector.
void flexnet_blend(const float* pooled, const float* convolved, const float* threshold, float* mixed, int64_t images,
                   int64_t units, int64_t single, float slope, float low, float high) {
  const Vec by(slope), least(low), most(high);
  for (int64_t image = 0; image < images; ++image) {
    for (int64_t unit = 0; unit < units; unit += Vec::size()) {
      const int64_t at = image * units + unit;
      const Vec max = Vec::loadu(pooled + at), conv = Vec::loadu(convolved + at);
      const Shares share(max, thresholds(threshold, single, unit), by, least, most);
      at::vec::fmadd(share.of_conv, conv, share.of_max * max).store(mixed + at);
    }
  }
}

// Gradients of the pooled and the convolved input (null: not needed), and what the gate passes on, for each unit.
void flexnet_blend_backward(const float* pooled, const float* convolved, const float* threshold, const float* grad,
                            float* to_pooled, float* to_convolved, float* through_gate, int64_t images, int64_t units,
                            int64_t single, float slope, float low, float high) {
  const Vec by(slope), minus(-slope), least(low), most(high);
  for (int64_t image = 0; image < images; ++image) {
    for (int64_t unit = 0; unit < units; unit += Vec::size()) {
      const int64_t at = image * units + unit;
      const Vec max = Vec::loadu(pooled + at), conv = Vec::loadu(convolved + at), given = Vec::loadu(grad + at);
      const Shares share(max, thresholds(threshold, single, unit), by, least, most);
      const Vec through_conv = share.of_conv * given;
      const Vec gate = ((max - conv) * share.of_max) * through_conv;
      if (to_convolved) through_conv.store(to_convolved + at);
      if (through_gate) gate.store(through_gate + at);
      if (to_pooled) at::vec::fmadd(gate, minus, share.of_max * given).store(to_pooled + at);
    }
  }
}

}  // extern "C"
