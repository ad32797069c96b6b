// Who owns which leaf of an object: server-side apply as far as the fake needs it. Lists are leaves.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harmony/kubernetes/client.hpp"

namespace harmony::runtime::kubernetes {

class FieldOwners {
 public:
    // Changes `stored` as `applied` by the manager says, or nothing when fields of others differ.
    [[nodiscard]] std::vector<FieldConflict> apply(Json& stored, const Json& applied,
                                                   const std::string& manager, bool force);

 private:
    std::map<std::string, std::string> owners_;  // JSON pointer → manager
};

}  // namespace harmony::runtime::kubernetes
