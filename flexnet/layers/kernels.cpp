// Eq. (1) of the Flexible Layer paper, the max-pool beside it, and their derivatives, each in one pass over memory.
//
// Every number is rounded as torch's own operations round it one after another (flexnet/layers/gate_passes.py,
// flexnet/layers/pool_passes.py): the same vectors, the same exponential, and a fused multiply-add exactly where torch
// has one. flexnet/layers/fused.py asks for the same numbers before it uses any of this. Compile without contraction,
// or the compiler fuses more of them.

#include <ATen/cpu/vec/vec.h>

#include <algorithm>
#include <cstdint>
#include <vector>

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

// What is left of a vector at the end of so many numbers.
int64_t rest(int64_t all, int64_t at) { return std::min<int64_t>(Vec::size(), all - at); }

// Maximum of K numbers that lie `step` apart, the first ones at `values`.
template <int K>
Vec maximum(const float* values, int64_t step, int64_t count = Vec::size()) {
  Vec best = Vec::loadu(values, count);
  for (int tap = 1; tap < K; ++tap) best = at::vec::maximum(best, Vec::loadu(values + tap * step, count));
  return best;
}

// Of the gradient of each maximum, what goes to one of its K numbers: all, if that is the first of the greatest.
template <int K>
Vec share(const float* values, const float* grad, int64_t step, int wanted) {
  Vec wins[K], best = Vec::loadu(values);
  for (int tap = 1; tap < K; ++tap) {
    const Vec next = Vec::loadu(values + tap * step);
    wins[tap] = next.gt(best);
    best = at::vec::maximum(best, next);
  }
  Vec left = Vec::loadu(grad);
  for (int tap = K - 1; tap > 0; --tap) {
    const Vec taken = left * wins[tap];
    if (tap == wanted) return taken;
    left = left - taken;
  }
  return left;
}

// Gradient of the number at one place, whose maxima start there and up to K - 1 steps before.
template <int K>
Vec gathered(const float* values, const float* grad, int64_t step) {
  Vec sum = share<K>(values, grad, step, 0);
  for (int tap = K - 1; tap > 0; --tap) sum = sum + share<K>(values - tap * step, grad - tap * step, step, tap);
  return sum;
}

// Maps in memory: blocks that share no window, each of `size` numbers with rows `row` apart and columns `column`
// apart; of windows `runs` rows of `run` numbers.
struct Maps {
  int64_t blocks, size, row, column, runs, run;
};

template <int K>
void pool(const float* input, float* output, const Maps& maps) {
  for (int64_t block = 0; block < maps.blocks; ++block, input += maps.size) {
    for (int64_t line = 0; line < maps.runs; ++line, output += maps.run) {
      for (int64_t at = 0; at < maps.run; at += Vec::size()) {
        const int64_t count = rest(maps.run, at);
        const float* first = input + line * maps.row + at;
        Vec best = maximum<K>(first, maps.column, count);
        for (int tap = 1; tap < K; ++tap)
          best = at::vec::maximum(best, maximum<K>(first + tap * maps.row, maps.column, count));
        best.store(output + at, count);
      }
    }
  }
}

// Windows that start near the end of a row or a block are none: their gradient is 0, and so is what they pass on.
template <int K>
void pool_backward(const float* input, const float* grad, float* result, const Maps& maps) {
  const int64_t border = (K - 1) * maps.row + Vec::size(), room = maps.size + 2 * border;
  static thread_local std::vector<float> scratch;
  scratch.assign(4 * room, 0.0f);
  float* values = scratch.data() + border;
  float *across = values + room, *placed = across + room, *by_row = placed + room;
  for (int64_t block = 0; block < maps.blocks; ++block, input += maps.size, result += maps.size) {
    std::copy(input, input + maps.size, values);
    for (int64_t line = 0; line < maps.runs; ++line, grad += maps.run)
      std::copy(grad, grad + maps.run, placed + line * maps.row);
    for (int64_t at = 0; at < maps.size; at += Vec::size())
      maximum<K>(values + at, maps.column).store(across + at, rest(maps.size, at));
    for (int64_t at = 0; at < maps.size; at += Vec::size())
      gathered<K>(across + at, placed + at, maps.row).store(by_row + at, rest(maps.size, at));
    for (int64_t at = 0; at < maps.size; at += Vec::size())
      gathered<K>(values + at, by_row + at, maps.column).store(result + at, rest(maps.size, at));
  }
}

}  // namespace

extern "C" {

// Max-pool of `side` x `side` pixels at stride 1; sides from 2 to 5.
void flexnet_pool(const float* input, float* output, int64_t side, int64_t blocks, int64_t size, int64_t row,
                  int64_t column, int64_t runs, int64_t run) {
  const Maps maps{blocks, size, row, column, runs, run};
  if (side == 2) pool<2>(input, output, maps);
  if (side == 3) pool<3>(input, output, maps);
  if (side == 4) pool<4>(input, output, maps);
  if (side == 5) pool<5>(input, output, maps);
}

void flexnet_pool_backward(const float* input, const float* grad, float* result, int64_t side, int64_t blocks,
                           int64_t size, int64_t row, int64_t column, int64_t runs, int64_t run) {
  const Maps maps{blocks, size, row, column, runs, run};
  if (side == 2) pool_backward<2>(input, grad, result, maps);
  if (side == 3) pool_backward<3>(input, grad, result, maps);
  if (side == 4) pool_backward<4>(input, grad, result, maps);
  if (side == 5) pool_backward<5>(input, grad, result, maps);
}

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
