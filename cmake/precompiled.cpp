// What the precompiled headers are attached to: nothing but them.
