#include <algorithm>
#include <harmony/plugin/call.hpp>
#include <harmony/plugin/capability.hpp>

namespace harmony::plugin {

bool Session::offers(std::string_view capability) const {
    return std::find(capabilities.begin(), capabilities.end(), capability) != capabilities.end();
}

tl::unexpected<Diagnostic> unknown_capability_method(std::string_view capability, std::string_view method) {
    return failure(Diagnostic{.code = "capability.unknown-method",
                              .summary = std::string(capability) + " has no method " + std::string(method),
                              .status = HP_E_METHOD});
}

Result<Json> detail::HostCapabilityCaller::call(std::string_view capability, std::string_view method,
                                                const Json& params) {
    auto result =
        call_.invoke("capability.invoke",
                     Json::object({{"capability", capability}, {"method", method}, {"params", params}}));
    if (result) return result;
    // The caller's own result code says what happened to its call, not what happened inside the topology.
    Diagnostic diagnostic = std::move(result.error());
    const bool stopped = diagnostic.status == HP_E_CANCELLED || diagnostic.status == HP_E_DEADLINE;
    if (!stopped) diagnostic.status = HP_E_FAILED;
    return failure(std::move(diagnostic));
}

}  // namespace harmony::plugin
