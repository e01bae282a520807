# How a layer of wheels is built, for AWS's interpreter and not for the one at hand: pip picks ready wheels for the
# given Python and platforms, and needs no Python 3.12 for it. Only byte code does, and goes without where there is none.
#
# LAYER_PIP_PYTHON  an interpreter that has pip; its path may have spaces
include ../bytecode.mk
LAYER_PIP_PYTHON ?= python3
# Lambda's python3.12 is Amazon Linux 2023 with glibc 2.34: wheels for any older glibc run there.
PLATFORMS := manylinux_2_28_x86_64 manylinux_2_27_x86_64 manylinux_2_17_x86_64 manylinux2014_x86_64

# Function and layers together may not exceed 250 MB unzipped: drop what no handler imports. Type stubs, headers and
# test suites of the scientific packages alone are about 30 MB. numpy.testing stays: SciPy imports it.
# `sam build` caches a layer by what lies in the layer's own folder: after a change here, delete .aws-sam.
define install_wheels
	"$(LAYER_PIP_PYTHON)" -m pip install --quiet --disable-pip-version-check --no-compile --target "$(SITE)" \
		--only-binary=:all: --implementation cp --python-version $(LAYER_PYTHON) \
		$(addprefix --platform ,$(PLATFORMS)) --requirement $(1)
	rm -rf "$(SITE)/bin" "$(SITE)/numpy/core/include" "$(SITE)/numpy/f2py" "$(SITE)/numpy/_pyinstaller"
	rm -f "$(SITE)/numpy/conftest.py" "$(SITE)/scipy/conftest.py"
	find "$(SITE)" -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +
	find "$(SITE)" -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name '*.a' \) -delete
endef
