// secret-store/1 as files: one per secret, mode 0600, below a folder that only its owner may enter.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "problem.hpp"

namespace harmony::local {

// Values appear in no problem's text. Several processes may use one store at a time: of two that generate the
// same secret, both get the value of the first.
class SecretFiles {
 public:
    struct Ensured {
        std::string value;
        bool created = false;
    };

    explicit SecretFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // secret-store.not-found
    [[nodiscard]] Outcome<std::string> get(const std::string& name) const;
    [[nodiscard]] Outcome<std::vector<std::string>> list(const std::string& prefix) const;
    // bytes: 16 to 1024; on disk when it returns.
    [[nodiscard]] Outcome<Ensured> ensure(const std::string& name, int bytes);
    [[nodiscard]] Outcome<void> put(const std::string& name, const std::string& value);
    [[nodiscard]] Outcome<bool> remove(const std::string& name);

 private:
    [[nodiscard]] Outcome<std::filesystem::path> file_of(const std::string& name) const;
    std::filesystem::path folder_;
};

}  // namespace harmony::local
