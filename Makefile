# Moonlit: `make demo` draws a picture, `make test` runs the tests; `make help` lists the rest.
LIBTORCH ?= $(CURDIR)/.libtorch
export PKG_CONFIG_PATH := $(LIBTORCH)/pkgconfig:$(PKG_CONFIG_PATH)
SWIFT_FLAGS = -Xlinker -rpath -Xlinker $(LIBTORCH)/lib

build:
	swift build -c release $(SWIFT_FLAGS) --product moonlit

test:
	swift test $(SWIFT_FLAGS)
.PHONY: build test
