// The target that compiles GoogleTest's header for all tests needs a source; it is never linked.
int main() {}
