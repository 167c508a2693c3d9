// Only carries libtorch's compiler and linker flags, by pkg-config, to CTorch.
