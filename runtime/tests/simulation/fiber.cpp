#include "fiber.hpp"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define HARMONY_FIBER_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define HARMONY_FIBER_TSAN 1
#endif

namespace harmony::simulation {

namespace {

// Decoding a document takes some kilobytes; a sanitizer's frames take several times as much.
#if defined(HARMONY_FIBER_ASAN) || defined(HARMONY_FIBER_TSAN)
constexpr std::size_t kStackBytes = 1024 * 1024;
#else
constexpr std::size_t kStackBytes = 256 * 1024;
#endif
constexpr std::size_t kGuardBytes = 4096;

// Stacks are used again: making one costs two system calls.
class Stacks {
 public:
    ~Stacks() {
        for (void* stack : free_)
            munmap(stack, kStackBytes);
    }
    void* take() {
        if (!free_.empty()) {
            void* const stack = free_.back();
            free_.pop_back();
            return stack;
        }
        void* const stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stack == MAP_FAILED || mprotect(stack, kGuardBytes, PROT_NONE) != 0) std::abort();
        return stack;
    }
    void give_back(void* stack) { free_.push_back(stack); }

 private:
    std::vector<void*> free_;
};

thread_local Stacks stacks;
thread_local Fiber* running = nullptr;

}  // namespace

struct Fiber::Context {
    std::function<void()> body;
    ucontext_t inside{};
    ucontext_t outside{};
    void* stack = nullptr;
    bool finished = false;
#if defined(HARMONY_FIBER_ASAN)
    void* outside_fake = nullptr;
    void* inside_fake = nullptr;
    const void* outside_bottom = nullptr;
    std::size_t outside_size = 0;
#endif
#if defined(HARMONY_FIBER_TSAN)
    void* tsan_inside = nullptr;
    void* tsan_outside = nullptr;
#endif
};

Fiber::Fiber(std::function<void()> body) : context_(std::make_unique<Context>()) {
    context_->body = std::move(body);
    context_->stack = stacks.take();
    getcontext(&context_->inside);
    context_->inside.uc_stack.ss_sp = static_cast<char*>(context_->stack) + kGuardBytes;
    context_->inside.uc_stack.ss_size = kStackBytes - kGuardBytes;
    context_->inside.uc_link = nullptr;
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    // makecontext() passes nothing wider than an int.
    makecontext(&context_->inside, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
                static_cast<unsigned>(self & 0xffffffffU),
                static_cast<unsigned>(static_cast<std::uint64_t>(self) >> 32U));
#if defined(HARMONY_FIBER_TSAN)
    context_->tsan_inside = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#if defined(HARMONY_FIBER_TSAN)
    __tsan_destroy_fiber(context_->tsan_inside);
#endif
    stacks.give_back(context_->stack);
}

bool Fiber::finished() const {
    return context_->finished;
}

Fiber* Fiber::current() {
    return running;
}

void Fiber::enter(unsigned low, unsigned high) {
    auto* const self = reinterpret_cast<Fiber*>(
        static_cast<std::uintptr_t>(std::uint64_t{high} << 32U | std::uint64_t{low}));
    Context& context = *self->context_;
#if defined(HARMONY_FIBER_ASAN)
    __sanitizer_finish_switch_fiber(nullptr, &context.outside_bottom, &context.outside_size);
#endif
    context.body();
    context.finished = true;
#if defined(HARMONY_FIBER_ASAN)
    __sanitizer_start_switch_fiber(nullptr, context.outside_bottom, context.outside_size);
#endif
#if defined(HARMONY_FIBER_TSAN)
    __tsan_switch_to_fiber(context.tsan_outside, 0);
#endif
    swapcontext(&context.inside, &context.outside);
}

void Fiber::resume() {
    Context& context = *context_;
    running = this;
#if defined(HARMONY_FIBER_ASAN)
    __sanitizer_start_switch_fiber(&context.outside_fake, context.inside.uc_stack.ss_sp,
                                   context.inside.uc_stack.ss_size);
#endif
#if defined(HARMONY_FIBER_TSAN)
    context.tsan_outside = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(context.tsan_inside, 0);
#endif
    swapcontext(&context.outside, &context.inside);
#if defined(HARMONY_FIBER_ASAN)
    __sanitizer_finish_switch_fiber(context.outside_fake, nullptr, nullptr);
#endif
    running = nullptr;
}

void Fiber::suspend() {
    Context& context = *running->context_;
#if defined(HARMONY_FIBER_ASAN)
    __sanitizer_start_switch_fiber(&context.inside_fake, context.outside_bottom, context.outside_size);
#endif
#if defined(HARMONY_FIBER_TSAN)
    __tsan_switch_to_fiber(context.tsan_outside, 0);
#endif
    swapcontext(&context.inside, &context.outside);
#if defined(HARMONY_FIBER_ASAN)
    __sanitizer_finish_switch_fiber(context.inside_fake, &context.outside_bottom, &context.outside_size);
#endif
}

}  // namespace harmony::simulation
