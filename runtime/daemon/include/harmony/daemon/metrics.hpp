// Counters, gauges and histograms, and their text for Prometheus.
//
// Our own and small: prometheus-cpp brings a registry of families behind shared pointers and mutexes, its own
// web server or text serializer built on iostreams, and several hundred KiB of resident memory, while an idle
// agent has 2 MiB of anonymous memory in all. What a daemon needs is a few dozen named numbers.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace harmony::runtime::daemon {

class Counter {
 public:
    void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
    std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
    void set(double value) { value_.store(value, std::memory_order_relaxed); }
    [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

 private:
    std::atomic<double> value_{0};
};

class Histogram {
 public:
    // Upper bounds, ascending; +Inf is added.
    explicit Histogram(std::vector<double> bounds);
    void observe(double value);

 private:
    friend class MetricsRegistry;
    const std::vector<double> bounds_;
    mutable std::mutex mutex_;
    std::vector<std::uint64_t> counts_;
    double sum_ = 0;
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Thread-safe. References stay valid as long as the registry. Asking again for the same name and labels gives
// the same metric. The help text of the first call counts. Labels must come from a small closed set.
class MetricsRegistry {
 public:
    MetricsRegistry();
    ~MetricsRegistry();
    MetricsRegistry(const MetricsRegistry&) = delete;
    MetricsRegistry& operator=(const MetricsRegistry&) = delete;

    [[nodiscard]] Counter& counter(std::string_view name, std::string_view help, MetricLabels labels = {});
    [[nodiscard]] Gauge& gauge(std::string_view name, std::string_view help, MetricLabels labels = {});
    // `read` is called at each exposition, on the exposing thread.
    void gauge_function(std::string_view name, std::string_view help, std::function<double()> read,
                        MetricLabels labels = {});
    [[nodiscard]] Histogram& histogram(std::string_view name, std::string_view help,
                                       std::vector<double> bounds, MetricLabels labels = {});

    // Text format 0.0.4, families in order of creation.
    [[nodiscard]] std::string text() const;

 private:
    struct Family;
    Family& family(std::string_view name, std::string_view help, std::string_view type);

    mutable std::mutex mutex_;
    std::deque<Family> families_;
};

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace harmony::runtime::daemon
