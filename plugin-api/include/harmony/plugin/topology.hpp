// A Topology: an environment that offers capabilities.
#pragma once

#include <harmony/plugin/capability.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace harmony::plugin {

struct TopologyInfo {
    std::string name;
    std::string summary;
};

// One answer of a probe.
struct Offer {
    std::string capability;
    bool available = false;
    std::string reason{};  // why it is not

    static auto fields() {
        return harmony::plugin::fields(field("capability", &Offer::capability),
                                       field("available", &Offer::available),
                                       field("reason", &Offer::reason).omit_default());
    }
};

namespace detail {

// A capability's server, ready to answer methods as JSON.
class CapabilityServer {
 public:
    virtual ~CapabilityServer() = default;
    virtual Result<Json> dispatch(std::string_view method, const Json& params) = 0;
};

template <Capability C>
class TypedCapabilityServer final : public CapabilityServer {
 public:
    explicit TypedCapabilityServer(C& server) : server_(server) {}
    Result<Json> dispatch(std::string_view method, const Json& params) override {
        return C::dispatch(server_, method, params);
    }

 private:
    C& server_;
};

}  // namespace detail

// Derive from it, add `static inline const TopologyInfo info{...};`, and offer a server for each capability
// argument in open(). One object for each instance; called by one thread at a time, servers included, which
// is why they may use call().
template <Described SettingsType, class... Capabilities>
class Topology {
 public:
    using Settings = SettingsType;

    Topology() = default;
    Topology(const Topology&) = delete;
    Topology& operator=(const Topology&) = delete;
    virtual ~Topology() = default;

    // Right after the settings and session are known: make servers and offer them. Cheap, no side effect.
    virtual Result<void> open() { return {}; }
    // What is there, and why what is missing is missing. No side effect.
    virtual Result<std::vector<Offer>> probe() = 0;
    // Once before the first step of a run, never for a plan.
    virtual Result<void> prepare() { return {}; }
    // After a destroy that left nothing: gives back what prepare took.
    virtual Result<void> release() { return {}; }

    [[nodiscard]] const Settings& settings() const { return settings_; }
    [[nodiscard]] const Session& session() const { return session_; }
    // The running call. Only within open, probe, prepare, release and the methods of offered servers.
    [[nodiscard]] Call& call() const { return *call_; }

    // For the SDK.
    static std::vector<std::string> offered_ids() { return {std::string(Capabilities::kId)...}; }
    void bind(Settings settings, Session session) {
        settings_ = std::move(settings);
        session_ = std::move(session);
    }
    void enter(Call* call) { call_ = call; }
    [[nodiscard]] detail::CapabilityServer* server(std::string_view capability) const {
        auto found = servers_.find(capability);
        return found == servers_.end() ? nullptr : found->second.get();
    }

 protected:
    // The server has to live as long as this object: make it a member or base of the topology.
    template <Capability C>
    void offer(C& server) {
        static_assert((std::is_same_v<C, Capabilities> || ...),
                      "this capability is not among the topology's template arguments, so the manifest would "
                      "not name it");
        servers_.insert_or_assign(std::string(C::kId),
                                  std::make_unique<detail::TypedCapabilityServer<C>>(server));
    }

 private:
    Settings settings_{};
    Session session_{};
    Call* call_ = nullptr;
    std::map<std::string, std::unique_ptr<detail::CapabilityServer>, std::less<>> servers_;
};

}  // namespace harmony::plugin
