#pragma once

namespace podium::pod {

/// In the zygote, which has imported and freed much: takes the gaps that this left between what
/// lives, in Python's allocator and in malloc, and keeps them. What a pod allocates then lies in
/// few pages side by side and not in many that it would have to copy. Costs the zygote no memory
/// that it had not already. With the interpreter's lock.
void fill_gaps();

}  // namespace podium::pod
