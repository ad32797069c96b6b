#include "harmony/simulator/wire_protocol.hpp"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace harmony::simulator {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeaderVersion = "NATS/1.0";

auto corrupt(std::string_view what, std::string_view line) {
    return fail(ErrorKind::Corrupt,
                "the server sent " + std::string(what) + ": " + std::string(line.substr(0, 80)));
}

bool read_number(std::string_view text, std::uint64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

// The words of a line; more than the array holds are an error of the caller's count.
std::size_t split(std::string_view line, std::array<std::string_view, 6>& words) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < line.size();) {
        if (is_space(line[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < line.size() && !is_space(line[end]))
            ++end;
        if (count < words.size()) words[count] = line.substr(at, end - at);
        ++count;
        at = end;
    }
    return count;
}

void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

}  // namespace

std::string_view WireMessage::header(std::string_view name) const {
    for (std::string_view rest = headers; !rest.empty();) {
        const auto end = rest.find(kLineEnd);
        const std::string_view line = rest.substr(0, end);
        if (line.size() > name.size() && line.substr(0, name.size()) == name && line[name.size()] == ':') {
            std::string_view value = line.substr(name.size() + 1);
            while (!value.empty() && is_space(value.front()))
                value.remove_prefix(1);
            return value;
        }
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + kLineEnd.size());
    }
    return {};
}

int WireMessage::status() const {
    if (headers.substr(0, kHeaderVersion.size()) != kHeaderVersion) return 0;
    std::string_view rest = headers.substr(kHeaderVersion.size());
    while (!rest.empty() && is_space(rest.front()))
        rest.remove_prefix(1);
    int value = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return value;
}

void WireParser::reset() {
    buffer_.clear();
}

Result<void> WireParser::feed(std::string_view bytes, const WireHandlers& handlers) {
    // Most reads begin and end with a message; what does not is kept.
    std::string_view rest = bytes;
    if (!buffer_.empty()) {
        buffer_.append(bytes);
        rest = buffer_;
    }
    while (!rest.empty()) {
        const auto used = take(rest, handlers);
        if (!used) return fail(used.error());
        if (*used == 0) break;
        rest.remove_prefix(*used);
    }
    if (rest.size() > kMaxMessageBytes + kMaxLineBytes) return corrupt("a message without end", rest);
    buffer_ = std::string(rest);
    return {};
}

Result<std::size_t> WireParser::take(std::string_view rest, const WireHandlers& handlers) {
    const auto end = rest.find(kLineEnd);
    if (end == std::string_view::npos || end > kMaxLineBytes) {
        if (rest.size() > kMaxLineBytes) return corrupt("a line that is too long", rest);
        return std::size_t{0};
    }
    const std::string_view line = rest.substr(0, end);
    const std::size_t used = end + kLineEnd.size();
    const auto verb = line.substr(0, line.find_first_of(" \t"));
    const std::string_view tail = verb.size() < line.size() ? line.substr(verb.size() + 1) : "";
    if (verb == "MSG" || verb == "HMSG")
        return take_message(line, rest.substr(used), verb == "HMSG", handlers);
    if (verb == "PING") {
        handlers.on_ping();
    } else if (verb == "PONG") {
        handlers.on_pong();
    } else if (verb == "INFO") {
        handlers.on_info(tail);
    } else if (verb == "-ERR") {
        handlers.on_error(tail);
    } else if (verb != "+OK") {
        return corrupt("a line that is no part of the protocol", line);
    }
    return used;
}

// MSG <subject> <subscription> [reply] <bytes>, HMSG the same with the headers' bytes before the total.
Result<std::size_t> WireParser::take_message(std::string_view line, std::string_view rest, bool with_headers,
                                             const WireHandlers& handlers) {
    std::array<std::string_view, 6> words;
    const std::size_t count = split(line, words);
    const std::size_t least = with_headers ? 5 : 4;
    if (count < least || count > least + 1) return corrupt("a message with a wrong head", line);
    WireMessage message;
    message.subject = words[1];
    if (count > least) message.reply = words[3];
    std::uint64_t header_bytes = 0, total = 0;
    bool good = read_number(words[2], message.subscription) && read_number(words[count - 1], total);
    if (with_headers) good = good && read_number(words[count - 2], header_bytes);
    if (!good || header_bytes > total || total > kMaxMessageBytes) {
        return corrupt("a message with a wrong head", line);
    }
    if (rest.size() < total + kLineEnd.size()) return std::size_t{0};
    if (rest.substr(total, kLineEnd.size()) != kLineEnd) return corrupt("a message without its end", line);
    message.headers = rest.substr(0, header_bytes);
    message.payload = rest.substr(header_bytes, total - header_bytes);
    handlers.on_message(message);
    return line.size() + kLineEnd.size() + total + kLineEnd.size();
}

void append_connect(std::string& out, const std::string& user, const std::string& password,
                    const std::string& name) {
    nlohmann::json hello = {{"verbose", false},      {"pedantic", false}, {"headers", true},
                            {"no_responders", true}, {"protocol", 1},     {"name", name},
                            {"lang", "c++"},         {"version", "0"}};
    if (!user.empty()) hello.update({{"user", user}, {"pass", password}});
    out += "CONNECT " + hello.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\r\nPING\r\n";
}

void append_subscribe(std::string& out, std::string_view subject, std::uint64_t subscription) {
    out.append("SUB ").append(subject).append(1, ' ');
    append_number(out, subscription);
    out.append(kLineEnd);
}

void append_unsubscribe(std::string& out, std::uint64_t subscription) {
    out.append("UNSUB ");
    append_number(out, subscription);
    out.append(kLineEnd);
}

void append_publish(std::string& out, std::string_view subject, std::string_view reply,
                    std::string_view payload) {
    out.append("PUB ").append(subject).append(1, ' ');
    if (!reply.empty()) out.append(reply).append(1, ' ');
    append_number(out, payload.size());
    out.append(kLineEnd).append(payload).append(kLineEnd);
}

void append_publish(std::string& out, std::string_view subject, std::string_view reply,
                    std::string_view header, std::string_view value, std::string_view payload) {
    const std::size_t header_bytes =
        kHeaderVersion.size() + header.size() + value.size() + 2 + 3 * kLineEnd.size();
    out.append("HPUB ").append(subject).append(1, ' ');
    if (!reply.empty()) out.append(reply).append(1, ' ');
    append_number(out, header_bytes);
    out.append(1, ' ');
    append_number(out, header_bytes + payload.size());
    out.append(kLineEnd).append(kHeaderVersion).append(kLineEnd);
    out.append(header).append(": ").append(value).append(kLineEnd).append(kLineEnd);
    out.append(payload).append(kLineEnd);
}

}  // namespace harmony::simulator
