#include "reconcile_loop.hpp"

#include <pthread.h>

#include <algorithm>

#include "harmony/agent/inventory.hpp"
#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace daemon = runtime::daemon;
namespace nats = runtime::nats;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr daemon::Logger kLog("reconcile");
constexpr std::size_t kQueuedEvents = 256;

}  // namespace

void WorkerThreads::run(std::function<void()> work) {
    std::erase_if(workers_, [](Worker& worker) {
        if (!*worker.done) return false;
        worker.thread.join();
        return true;
    });
    auto done = std::make_shared<std::atomic<bool>>(false);
    std::thread thread([work = std::move(work), done] {
        pthread_setname_np(pthread_self(), "deployment");
        work();
        *done = true;
    });
    workers_.push_back({std::move(thread), std::move(done)});
}

void WorkerThreads::join() {
    for (Worker& worker : workers_)
        worker.thread.join();
    workers_.clear();
}

ReconcileLoop::ReconcileLoop(const AgentConfig& config, std::string version, nats::NatsConnection& connection,
                             RuntimeFactory runtimes, const Clock& clock, daemon::HealthRegistry& health,
                             daemon::MetricsRegistry& metrics, std::function<void(std::string)> on_digest)
    : clock_(clock),
      queue_(kQueuedEvents),
      logic_(
          config, std::move(version),
          {connection, std::move(runtimes),
           [this](std::function<void()> work) { workers_.run(std::move(work)); },
           [this] { containers_changed(); }, std::move(on_digest),
           [directory = config.state_dir] { return read_inventory(directory); }, clock, daemon::file_disk()},
          health, metrics) {}

void ReconcileLoop::start() {
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "reconcile");
        try {
            run();
        } catch (const std::exception& error) {
            kLog.error("the reconcile thread ended", {{"error", error.what()}});
            std::terminate();
        }
    });
}

bool ReconcileLoop::stop(milliseconds patience) {
    queue_.close();
    if (thread_.joinable()) thread_.join();
    logic_.cancel_work();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!logic_.idle()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(5ms);
    }
    workers_.join();
    logic_.save_states();
    return true;
}

bool ReconcileLoop::push(ReconcileEvent event) {
    const bool taken = queue_.try_push(std::move(event));
    if (!taken) events_lost_ = true;
    return taken;
}

void ReconcileLoop::containers_changed() {
    // One that waits stands for all.
    if (wake_waits_.exchange(true)) return;
    if (!push(ContainersChanged{})) wake_waits_ = false;
}

void ReconcileLoop::run() {
    logic_.begin();
    while (true) {
        if (auto event = queue_.pop(until_due())) {
            handle(*event);
            while (auto more = queue_.pop(0ms))
                handle(*more);
        } else if (queue_.closed()) {
            return;
        }
        if (events_lost_.exchange(false)) logic_.handle(EventsLost{});
        logic_.advance();
    }
}

void ReconcileLoop::handle(const ReconcileEvent& event) {
    if (std::holds_alternative<ContainersChanged>(event)) wake_waits_ = false;
    logic_.handle(event);
}

milliseconds ReconcileLoop::until_due() const {
    return std::max(std::chrono::ceil<milliseconds>(logic_.next_due() - clock_.steady()), 0ms);
}

}  // namespace harmony::agent
