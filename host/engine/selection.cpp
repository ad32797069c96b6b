#include "host/engine/selection.hpp"

#include <algorithm>
#include <set>

#include "host/config/glob.hpp"
#include "host/config/suggestion.hpp"

namespace harmony::host {

Outcome<std::vector<std::string>> select_scores(const SelectionRequest& request) {
    if (request.filters.empty() && !request.all)
        return usage_problem("usage.selection", "nothing is selected",
                             "name Scores with --filter NAME (it repeats and takes * and ?), or say --all");
    std::set<std::string> chosen;
    for (const auto& filter : request.filters) {
        bool matched = false;
        for (const auto& name : request.available) {
            if (!glob_matches(filter, name)) continue;
            chosen.insert(name);
            matched = true;
        }
        if (!matched)
            return usage_problem("usage.unknown-score",
                                 is_glob(filter) ? "no Score matches \"" + filter + "\""
                                                 : "there is no Score \"" + filter + "\"",
                                 suggestion_hint(filter, request.available));
    }
    if (request.all) chosen.insert(request.for_all.begin(), request.for_all.end());
    return std::vector<std::string>(chosen.begin(), chosen.end());
}

Outcome<std::vector<std::string>> order_scores(const std::vector<std::string>& names,
                                               const std::map<std::string, std::vector<std::string>>& after) {
    std::set<std::string> waiting(names.begin(), names.end());
    std::vector<std::string> ordered;
    while (!waiting.empty()) {
        const auto ready = std::ranges::find_if(waiting, [&](const std::string& name) {
            const auto found = after.find(name);
            return found == after.end() || std::ranges::none_of(found->second, [&](const std::string& other) {
                       return waiting.contains(other);
                   });
        });
        if (ready == waiting.end()) {
            std::string circle;
            for (const auto& name : waiting)
                circle += (circle.empty() ? "" : ", ") + name;
            return usage_problem("config.order-cycle",
                                 "these Scores each have to go after another of them: " + circle,
                                 "select fewer of them, or report it to the plugins' authors");
        }
        ordered.push_back(*ready);
        waiting.erase(ready);
    }
    return ordered;
}

}  // namespace harmony::host
