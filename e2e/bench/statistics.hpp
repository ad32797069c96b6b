// What every measurement prints: the middle and the tail of many repetitions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace harmony::bench {

// p in [0, 1]; sorts the samples.
inline double percentile(std::vector<double>& samples, double p) {
    std::sort(samples.begin(), samples.end());
    return samples[static_cast<std::size_t>(p * static_cast<double>(samples.size() - 1) + 0.5)];
}

// One line that e2e/bench/run reads: name, tab, p50, tab, p99.
inline void print(const char* name, std::vector<double>& samples) {
    std::printf("%s\t%.3f\t%.3f\n", name, percentile(samples, 0.5), percentile(samples, 0.99));
}

}  // namespace harmony::bench
