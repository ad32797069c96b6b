// How a Score, command or scenario declares and reaches capabilities.
//
// A capability is an abstract C++ class with three static members:
//
//   static constexpr std::string_view kId = "process-host/1";
//   static std::unique_ptr<ProcessHost> client(CapabilityCaller& caller);  // caller outlives the client
//   static Result<Json> dispatch(ProcessHost& server, std::string_view method, const Json& params);
//
// dispatch answers an unknown method with unknown_capability_method(). Those of the SDK are in
// harmony/capability/; a plugin may define its own the same way.
#pragma once

#include <concepts>
#include <harmony/plugin/call.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace harmony::plugin {

template <class C>
concept Capability = std::is_abstract_v<C> &&
    requires(C& server, CapabilityCaller& caller, std::string_view method, const Json& params) {
    { C::kId } -> std::convertible_to<std::string_view>;
    { C::client(caller) } -> std::same_as<std::unique_ptr<C>>;
    { C::dispatch(server, method, params) } -> std::same_as<Result<Json>>;
};

// Used when the topology offers it, done without otherwise. Ask run.offers<C>() before run.use<C>().
template <Capability C>
struct Optional {};

// One of them has to be offered. Ask run.offers<C>() which.
template <Capability... C>
struct AnyOf {};

[[nodiscard]] tl::unexpected<Diagnostic> unknown_capability_method(std::string_view capability,
                                                                   std::string_view method);

namespace detail {

template <class Declared>
struct Declaration {
    using Members = std::tuple<Declared>;
    static constexpr bool kOptional = false;
};
template <class C>
struct Declaration<Optional<C>> {
    using Members = std::tuple<C>;
    static constexpr bool kOptional = true;
};
template <class... C>
struct Declaration<AnyOf<C...>> {
    using Members = std::tuple<C...>;
    static constexpr bool kOptional = false;
};

template <class C, class Tuple>
inline constexpr bool kContains = false;
template <class C, class... Each>
inline constexpr bool kContains<C, std::tuple<Each...>> = (std::is_same_v<C, Each> || ...);

template <class... Declared>
using DeclaredCapabilities =
    decltype(std::tuple_cat(std::declval<typename Declaration<Declared>::Members>()...));

template <class Tuple>
struct PointersOf;
template <class... C>
struct PointersOf<std::tuple<C...>> {
    using Type = std::tuple<std::unique_ptr<C>...>;
    static std::vector<std::string> ids() { return {std::string(C::kId)...}; }
};

// The manifest's `requires` and `optional`.
struct Requirements {
    std::vector<std::vector<std::string>> required;
    std::vector<std::string> optional;
};

template <class... Declared>
Requirements requirements_of() {
    Requirements found;
    [[maybe_unused]] auto add = [&]<class D>(std::type_identity<D>) {
        auto ids = PointersOf<typename Declaration<D>::Members>::ids();
        if constexpr (Declaration<D>::kOptional) {
            found.optional.insert(found.optional.end(), ids.begin(), ids.end());
        } else {
            found.required.push_back(std::move(ids));
        }
    };
    (add(std::type_identity<Declared>{}), ...);
    return found;
}

// Sends capability calls through the host, on behalf of one running call.
class HostCapabilityCaller final : public CapabilityCaller {
 public:
    explicit HostCapabilityCaller(Call& call) : call_(call) {}
    Result<Json> call(std::string_view capability, std::string_view method, const Json& params) override;

 private:
    Call& call_;
};

}  // namespace detail

// What the Run of a Score, command or scenario is built on: the running call, its session, its capabilities.
// Valid until the verb returns. use() from one thread at a time.
template <class... Declared>
class CapabilityRun {
 public:
    CapabilityRun(Call& call, const Session& session) : call_(call), session_(session), caller_(call) {}
    CapabilityRun(const CapabilityRun&) = delete;
    CapabilityRun& operator=(const CapabilityRun&) = delete;

    [[nodiscard]] Call& call() { return call_; }
    [[nodiscard]] const Session& session() const { return session_; }
    void log(LogLevel level, std::string_view message) { call_.log(level, message); }
    void info(std::string_view message) { call_.info(message); }
    void warn(std::string_view message) { call_.warn(message); }
    void progress(std::string_view message, std::optional<double> fraction = std::nullopt) {
        call_.progress(message, fraction);
    }
    [[nodiscard]] bool cancelled() const { return call_.cancelled(); }
    [[nodiscard]] std::optional<Call::Clock::time_point> deadline() const { return call_.deadline(); }
    bool wait(std::chrono::milliseconds time) { return call_.wait(time); }

    // The capability, answered by the context's topology.
    template <Capability C>
    [[nodiscard]] C& use() {
        static_assert(
            kDeclares<C>,
            "this capability is not declared: add it to the template arguments of the Score, command "
            "or scenario, so that the manifest names it");
        if constexpr (kDeclares<C>) {
            auto& client = std::get<std::unique_ptr<C>>(clients_);
            if (!client) client = C::client(caller_);
            return *client;
        }
    }

    template <Capability C>
    [[nodiscard]] bool offers() const {
        static_assert(kDeclares<C>, "this capability is not declared");
        return session_.offers(C::kId);
    }

 private:
    using Members = detail::DeclaredCapabilities<Declared...>;
    template <class C>
    static constexpr bool kDeclares = detail::kContains<C, Members>;

    Call& call_;
    const Session& session_;
    detail::HostCapabilityCaller caller_;
    typename detail::PointersOf<Members>::Type clients_;
};

}  // namespace harmony::plugin
