#include "note_score.hpp"

HARMONY_PLUGIN((harmony::plugin::PluginInfo{.id = "example/example",
                                            .version = "0.1.0",
                                            .summary = "A first plugin",
                                            .permissions = {.paths = {"the context's state folder"}}}),
               scores<example::NoteScore>());
