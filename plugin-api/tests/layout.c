/* plugin.h in C99, with every size and offset of a 64-bit machine. What changes here breaks every plugin that
 * was ever built. */
#define HP_DECLARE_ENTRY
#include <harmony/plugin.h>

#define AT(type, member, offset) typedef char type##_##member[offsetof(type, member) == (offset) ? 1 : -1]
#define SIZE(type, bytes) typedef char type##_total[sizeof(type) == (bytes) ? 1 : -1]

AT(hp_bytes, data, 0);
AT(hp_bytes, length, 8);
SIZE(hp_bytes, 16);

AT(hp_sink, size, 0);
AT(hp_sink, reserved, 4);
AT(hp_sink, context, 8);
AT(hp_sink, write, 16);
SIZE(hp_sink, 24);

AT(hp_call, size, 0);
AT(hp_call, reserved, 4);
AT(hp_call, id, 8);
AT(hp_call, instance, 16);
AT(hp_call, deadline_ns, 24);
AT(hp_call, method, 32);
AT(hp_call, params, 48);
AT(hp_call, result, 64);
AT(hp_call, diagnostic, 72);
SIZE(hp_call, 80);

AT(hp_services, size, 0);
AT(hp_services, reserved, 4);
AT(hp_services, context, 8);
AT(hp_services, invoke, 16);
AT(hp_services, log, 24);
AT(hp_services, progress, 32);
AT(hp_services, cancelled, 40);
SIZE(hp_services, 48);

AT(hp_hello, size, 0);
AT(hp_hello, level_min, 4);
AT(hp_hello, level_max, 8);
AT(hp_hello, reserved, 12);
AT(hp_hello, host, 16);
AT(hp_hello, services, 32);
SIZE(hp_hello, 40);

AT(hp_plugin, size, 0);
AT(hp_plugin, level, 4);
AT(hp_plugin, level_min, 8);
AT(hp_plugin, level_max, 12);
AT(hp_plugin, context, 16);
AT(hp_plugin, create, 24);
AT(hp_plugin, invoke, 32);
AT(hp_plugin, cancel, 40);
AT(hp_plugin, destroy, 48);
AT(hp_plugin, shutdown, 56);
SIZE(hp_plugin, 64);

/* The sizes as C sees them, for the comparison with C++. */
const size_t hp_layout_sizes[] = {sizeof(hp_bytes),    sizeof(hp_sink),  sizeof(hp_call),
                                  sizeof(hp_services), sizeof(hp_hello), sizeof(hp_plugin)};
