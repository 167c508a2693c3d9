# Moonlit: `make demo` draws a picture, `make test` runs the tests; `make help` lists the rest.
# LIBTORCH=/path takes a libtorch of your own instead of .libtorch; CUDA=1 fetches the CUDA set.
LIBTORCH ?=
CUDA ?=
PREFIX ?= /usr/local
DESTDIR ?=
# What `swift test` takes besides, for instance TEST_FLAGS='--filter TensorsTests'.
TEST_FLAGS ?=
# `build`, `demo` and `test` share one release build; CONFIGURATION=debug tests with a debug build.
CONFIGURATION ?= release

ifeq ($(strip $(LIBTORCH)),)
libtorch := $(CURDIR)/.libtorch
pkgconfig := $(libtorch)/pkgconfig
else
libtorch := $(abspath $(LIBTORCH))
pkgconfig := $(CURDIR)/.build-local/pkgconfig
endif
export PKG_CONFIG_PATH := $(pkgconfig):$(PKG_CONFIG_PATH)

# The run path comes from here: SwiftPM takes none from a .pc file.
flags = -Xlinker -rpath -Xlinker $(libtorch)/lib
prompt = a house next to a lake in moonlight

help:
	@echo 'make setup      install what is missing: C libraries, libtorch (CUDA=1: the CUDA set)'
	@echo 'make demo       set up, build, draw "$(prompt)"'
	@echo 'make build      the release program, .build/release/moonlit'
	@echo 'make test       set up, build and run the tests (first make test-dependency:'
	@echo '                a package that depends on this one builds and runs)'
	@echo 'make install    put moonlit on the PATH: PREFIX=$(PREFIX), DESTDIR'
	@echo 'make uninstall  take it away again'
	@echo 'make shell-env  the variables for calling swift build yourself: eval "$$(make -s shell-env)"'
	@echo 'make clean      remove what was built; make distclean also libtorch'
	@echo 'LIBTORCH=/path takes a libtorch of your own: a folder with include/ and lib/'

setup:
	@LIBTORCH='$(LIBTORCH)' CUDA='$(CUDA)' Scripts/setup

build: setup
	swift build -c release --product moonlit $(flags)

demo: build
	.build/release/moonlit generate "$(prompt)" --upscale scenes-256

# First tensors and layers once more, damaged files aside, with the kernels of processors without AVX-512.
# Without testable imports the tests take the modules as `build` makes them.
test: test-dependency
	ATEN_CPU_CAPABILITY=avx2 swift test -c $(CONFIGURATION) --disable-testable-imports $(flags) \
		--filter "LayersTests|TensorsTests" --skip FilesMutationTests
	swift test -c $(CONFIGURATION) --disable-testable-imports $(flags) $(TEST_FLAGS)

test-dependency: setup
	@LIBTORCH='$(LIBTORCH)' Scripts/test-dependency

# Under sudo, what its user built is installed: root need not have Swift.
install: $(if $(SUDO_USER),,build)
	@LIBTORCH='$(LIBTORCH)' PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' Scripts/install

uninstall:
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' Scripts/install --remove

shell-env:
	@LIBTORCH='$(LIBTORCH)' Scripts/env

clean:
	rm -rf .build .build-local Tests/Dependency/.build

distclean: clean
	rm -rf .libtorch .libtorch.part

.PHONY: help setup build demo test test-dependency install uninstall shell-env clean distclean
