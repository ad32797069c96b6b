#include "harmony/nats/message.hpp"

#include <charconv>

namespace harmony::runtime::nats {

int Message::status() const {
    const auto text = header("Status");
    int value = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

bool subject_matches(std::string_view filter, std::string_view subject) {
    while (true) {
        const auto filter_end = filter.find('.');
        const auto subject_end = subject.find('.');
        const auto token = filter.substr(0, filter_end);
        if (token == ">") return !subject.empty();
        if (token != "*" && token != subject.substr(0, subject_end)) return false;
        if (filter_end == std::string_view::npos || subject_end == std::string_view::npos) {
            return filter_end == subject_end;
        }
        filter.remove_prefix(filter_end + 1);
        subject.remove_prefix(subject_end + 1);
    }
}

}  // namespace harmony::runtime::nats
