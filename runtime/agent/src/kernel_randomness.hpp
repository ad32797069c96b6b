#pragma once

namespace harmony::agent {

// OpenSSL's random bytes come from the kernel from here on, for the whole process. nats.c asks OpenSSL for a
// handful when it starts; OpenSSL's own generator would first read the system's configuration and load all
// its providers, 1.8 MiB of memory that a device without TLS never uses again. The kernel's generator is the
// one that OpenSSL's is seeded from, so TLS loses nothing. To be called before the first connection, while
// there is one thread.
void draw_randomness_from_kernel();

}  // namespace harmony::agent
