// Descriptors that a forked child must not keep: a lock that is shared with a child would outlive
// its owner. Between fork and the child's first instruction they are closed in the child only.
#pragma once

namespace safechunk {

void close_on_fork(int descriptor);
void forget_on_fork(int descriptor);

}  // namespace safechunk
