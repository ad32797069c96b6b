#include "harmony/operator/cluster_worker.hpp"

#include <pthread.h>

#include <thread>
#include <vector>

#include "cluster_watches.hpp"
#include "harmony/daemon/bounded_queue.hpp"

namespace harmony::op {

namespace kubernetes = runtime::kubernetes;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kJobs = 8'192;
constexpr int kThreads = 4;

class Worker final : public ClusterWorker {
 public:
    Worker(kubernetes::KubernetesClient& client, std::string name_space, ClusterWorkerPorts ports)
        : client_(client), name_space_(std::move(name_space)), ports_(std::move(ports)) {
        for (int number = 0; number < kThreads; ++number) {
            threads_.emplace_back([this](const std::stop_token& stop) {
                pthread_setname_np(pthread_self(), "cluster-write");
                work(stop);
            });
        }
        watch_thread_ = std::jthread([this](const std::stop_token& stop) {
            pthread_setname_np(pthread_self(), "cluster-watch");
            keep_watches(stop);
        });
    }
    ~Worker() override { stop(); }

    bool submit(ClusterJob job) override { return jobs_.try_push(std::move(job)); }
    void list_anew() override { static_cast<void>(lists_.try_push(true)); }

    void stop() override {
        jobs_.close();
        lists_.close();
        for (std::jthread& thread : threads_)
            thread.request_stop();
        for (std::jthread& thread : threads_) {
            if (thread.joinable()) thread.join();
        }
        watch_thread_.request_stop();
        if (watch_thread_.joinable()) watch_thread_.join();
    }

 private:
    void work(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const auto job = jobs_.pop(500ms);
            if (job) {
                perform(client_, name_space_, *job, ports_);
            } else if (jobs_.closed()) {
                return;
            }
        }
    }

    // A thread of its own: ending a watch waits for its handler, which may wait for the core.
    void keep_watches(const std::stop_token& stop) {
        ClusterWatches watches;
        while (!stop.stop_requested()) {
            if (!lists_.pop(500ms)) {
                if (lists_.closed()) return;
                continue;
            }
            watches.clear();
            watches = watch_cluster(client_, name_space_, ports_.tell);
        }
    }

    kubernetes::KubernetesClient& client_;
    const std::string name_space_;
    const ClusterWorkerPorts ports_;
    runtime::daemon::BoundedQueue<ClusterJob> jobs_{kJobs};
    runtime::daemon::BoundedQueue<bool> lists_{8};
    std::vector<std::jthread> threads_;
    std::jthread watch_thread_;
};

}  // namespace

std::unique_ptr<ClusterWorker> start_cluster_worker(kubernetes::KubernetesClient& client,
                                                    std::string name_space, ClusterWorkerPorts ports) {
    return std::make_unique<Worker>(client, std::move(name_space), std::move(ports));
}

}  // namespace harmony::op
