#include "harmony/daemon/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace harmony::runtime::daemon {
namespace {

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    for (const char c : text) {
        if (c == '\\') {
            out += "\\\\";
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '"' && quotes) {
            out += "\\\"";
        } else {
            out += c;
        }
    }
}

std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    char text[32];
    // Short where that is exact, so that 0.1 stays 0.1.
    std::snprintf(text, sizeof text, "%.15g", value);
    double back = 0;
    if (std::sscanf(text, "%lf", &back) != 1 || back != value)
        std::snprintf(text, sizeof text, "%.17g", value);
    return text;
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   const MetricLabels& labels, std::string_view le, std::string_view value) {
    out.append(name).append(suffix);
    if (!labels.empty() || !le.empty()) {
        char separator = '{';
        const auto append_label = [&](std::string_view label, std::string_view text) {
            out += separator;
            out.append(label).append("=\"");
            append_escaped(out, text, true);
            out += '"';
            separator = ',';
        };
        for (const auto& [label, text] : labels)
            append_label(label, text);
        if (!le.empty()) append_label("le", le);
        out += '}';
    }
    out += ' ';
    out.append(value).append("\n");
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::observe(double value) {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    const std::lock_guard lock(mutex_);
    ++counts_[static_cast<std::size_t>(bucket)];
    sum_ += value;
}

struct MetricsRegistry::Family {
    struct Metric {
        MetricLabels labels;
        std::unique_ptr<Counter> counter;
        std::unique_ptr<Gauge> gauge;
        std::unique_ptr<Histogram> histogram;
        std::function<double()> read;
    };
    std::string name;
    std::string help;
    std::string type;
    std::deque<Metric> metrics;

    Metric& metric(MetricLabels&& labels) {
        for (Metric& known : metrics) {
            if (known.labels == labels) return known;
        }
        metrics.emplace_back();
        metrics.back().labels = std::move(labels);
        return metrics.back();
    }
};

MetricsRegistry::MetricsRegistry() = default;
MetricsRegistry::~MetricsRegistry() = default;

MetricsRegistry::Family& MetricsRegistry::family(std::string_view name, std::string_view help,
                                                 std::string_view type) {
    for (Family& known : families_) {
        if (known.name == name && known.type == type) return known;
    }
    return families_.emplace_back(Family{std::string(name), std::string(help), std::string(type), {}});
}

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help, MetricLabels labels) {
    const std::lock_guard lock(mutex_);
    auto& slot = family(name, help, "counter").metric(std::move(labels)).counter;
    if (!slot) slot = std::make_unique<Counter>();
    return *slot;
}

Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, MetricLabels labels) {
    const std::lock_guard lock(mutex_);
    auto& slot = family(name, help, "gauge").metric(std::move(labels)).gauge;
    if (!slot) slot = std::make_unique<Gauge>();
    return *slot;
}

void MetricsRegistry::gauge_function(std::string_view name, std::string_view help,
                                     std::function<double()> read, MetricLabels labels) {
    const std::lock_guard lock(mutex_);
    family(name, help, "gauge").metric(std::move(labels)).read = std::move(read);
}

Histogram& MetricsRegistry::histogram(std::string_view name, std::string_view help,
                                      std::vector<double> bounds, MetricLabels labels) {
    const std::lock_guard lock(mutex_);
    auto& slot = family(name, help, "histogram").metric(std::move(labels)).histogram;
    if (!slot) slot = std::make_unique<Histogram>(std::move(bounds));
    return *slot;
}

std::string MetricsRegistry::text() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    for (const Family& known : families_) {
        out.append("# HELP ").append(known.name).append(" ");
        append_escaped(out, known.help, false);
        out.append("\n# TYPE ").append(known.name).append(" ").append(known.type).append("\n");
        for (const Family::Metric& metric : known.metrics) {
            if (metric.counter) {
                append_sample(out, known.name, "", metric.labels, "",
                              std::to_string(metric.counter->value()));
            }
            if (metric.gauge)
                append_sample(out, known.name, "", metric.labels, "", number(metric.gauge->value()));
            if (metric.read) append_sample(out, known.name, "", metric.labels, "", number(metric.read()));
            if (!metric.histogram) continue;
            const Histogram& histogram = *metric.histogram;
            const std::lock_guard observed(histogram.mutex_);
            std::uint64_t total = 0;
            for (std::size_t i = 0; i < histogram.counts_.size(); ++i) {
                total += histogram.counts_[i];
                const std::string bound =
                    i < histogram.bounds_.size() ? number(histogram.bounds_[i]) : "+Inf";
                append_sample(out, known.name, "_bucket", metric.labels, bound, std::to_string(total));
            }
            append_sample(out, known.name, "_sum", metric.labels, "", number(histogram.sum_));
            append_sample(out, known.name, "_count", metric.labels, "", std::to_string(total));
        }
    }
    return out;
}

}  // namespace harmony::runtime::daemon
