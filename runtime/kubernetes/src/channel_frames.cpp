#include "channel_frames.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "status.hpp"

namespace harmony::runtime::kubernetes {
namespace {

using Json = nlohmann::json;

std::optional<int> exit_code_of(const Json& status) {
    const auto details = status.find("details");
    if (details == status.end() || !details->is_object()) return std::nullopt;
    const auto causes = details->find("causes");
    if (causes == details->end() || !causes->is_array()) return std::nullopt;
    for (const Json& cause : *causes) {
        if (!cause.is_object() || cause.value("reason", Json{}) != "ExitCode") continue;
        const Json message = cause.value("message", Json{});
        if (!message.is_string()) continue;
        const auto& text = message.get_ref<const std::string&>();
        int code = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
        if (error == std::errc{} && end == text.data() + text.size()) return code;
    }
    return std::nullopt;
}

}  // namespace

std::string encode_channel_frame(std::uint8_t channel, std::string_view bytes) {
    std::string message;
    message.reserve(bytes.size() + 1);
    message += static_cast<char>(channel);
    message += bytes;
    return message;
}

Answer<ChannelFrame> decode_channel_frame(std::string_view message) {
    if (message.empty()) return refuse(Reason::Malformed, "a channel message without a channel");
    return ChannelFrame{static_cast<std::uint8_t>(message.front()), message.substr(1)};
}

Answer<int> decode_exec_status(std::string_view text) {
    const Json status = Json::parse(text, nullptr, false);
    if (!status.is_object())
        return refuse(Reason::Malformed, "exec ended with a status that is no JSON object");
    const Json outcome = status.value("status", Json{});
    if (outcome == "Success") return 0;
    if (outcome != "Failure") return refuse(Reason::Malformed, "exec ended with neither Success nor Failure");
    if (const auto code = exit_code_of(status)) return *code;
    const Json message = status.value("message", Json{});
    return refuse(Reason::Rejected,
                  "exec: " + (message.is_string() ? foreign_text(message.get<std::string>())
                                                  : std::string("the server gives no reason")));
}

std::optional<std::uint16_t> decode_port_frame(std::string_view bytes) {
    if (bytes.size() != 2) return std::nullopt;
    const auto low = static_cast<unsigned char>(bytes[0]);
    const auto high = static_cast<unsigned char>(bytes[1]);
    return static_cast<std::uint16_t>(low | high << 8U);
}

}  // namespace harmony::runtime::kubernetes
