#include "harmony/contracts/names.hpp"

#include "json_field.hpp"

namespace harmony::contracts {

Result<void> check_name(std::string_view what, std::string_view name, std::size_t max_bytes) {
    const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const bool valid =
        !name.empty() && name.size() <= max_bytes && alphanumeric(name.front()) &&
        alphanumeric(name.back()) &&
        std::all_of(name.begin(), name.end(), [&](char c) { return alphanumeric(c) || c == '-'; });
    if (valid) return {};
    return fail(ErrorKind::InvalidInput,
                std::string(what) + ": found " + in_quotes(name) + ", expected 1 to " +
                    std::to_string(max_bytes) +
                    " lower-case letters, digits and '-', beginning and ending with a letter or digit");
}

}  // namespace harmony::contracts
