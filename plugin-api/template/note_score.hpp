#pragma once

#include <harmony/plugin.hpp>
#include <string>

namespace example {

struct NoteParameters {
    std::string text = "hello";

    static auto fields() {
        using harmony::plugin::field;
        return harmony::plugin::fields(
            field("text", &NoteParameters::text, "What the note says").flag("text"));
    }
};

// Keeps a note in the context's state folder.
class NoteScore final : public harmony::plugin::Score<NoteParameters> {
 public:
    static inline const harmony::plugin::ScoreInfo info{.name = "NoteScore", .summary = "A note in a file"};

    harmony::plugin::Result<std::vector<harmony::plugin::Object>> read(Run& run) override;
    harmony::plugin::Result<harmony::plugin::Plan> plan(Run& run,
                                                        const harmony::plugin::PlanRequest& request) override;
    harmony::plugin::Result<void> apply(Run& run, const harmony::plugin::Step& step) override;
    harmony::plugin::Result<std::vector<harmony::plugin::Check>> verify(Run& run) override;
    harmony::plugin::Result<void> destroy(Run& run, const harmony::plugin::Step& step) override;
};

}  // namespace example
