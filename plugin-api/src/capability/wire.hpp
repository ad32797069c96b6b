// What every capability's client and server share.
#pragma once

#include <harmony/plugin/capability.hpp>

namespace harmony::plugin::wire {

// Calls and decodes the whole result.
template <class T>
Result<T> ask(CapabilityCaller& caller, std::string_view capability, std::string_view method,
              const Json& params) {
    auto answer = caller.call(capability, method, params);
    if (!answer) return failure(std::move(answer.error()));
    auto decoded = from_json<T>(*answer);
    if (decoded) return decoded;
    return failure("capability.bad-answer", std::string(capability) + " " + std::string(method) +
                                                " was answered wrongly: " + decoded.error().summary);
}

// Calls and decodes one member of the result. A missing one is read as null.
template <class T>
Result<T> ask_member(CapabilityCaller& caller, std::string_view capability, std::string_view method,
                     const Json& params, std::string_view member) {
    auto answer = ask<Json>(caller, capability, method, params);
    if (!answer) return failure(std::move(answer.error()));
    auto decoded = from_json<T>((*answer)[member]);
    if (decoded) return decoded;
    return failure("capability.bad-answer", std::string(capability) + " " + std::string(method) +
                                                " was answered with a wrong " + std::string(member) + ": " +
                                                decoded.error().summary);
}

// Decodes the parameters and runs the method with them.
template <class Params, class Method>
Result<Json> serve(const Json& params, Method method) {
    auto decoded = from_json<Params>(params);
    if (!decoded) return failure(std::move(decoded.error()));
    return method(*decoded);
}

template <class T>
Result<Json> reply(Result<T> result) {
    if (!result) return failure(std::move(result.error()));
    return to_json(*result);
}
inline Result<Json> reply(Result<void> result) {
    if (!result) return failure(std::move(result.error()));
    return Json::object();
}
template <class T>
Result<Json> reply(const char* member, Result<T> result) {
    if (!result) return failure(std::move(result.error()));
    Json json = Json::object();
    json[member] = to_json(*result);
    return json;
}

}  // namespace harmony::plugin::wire
