# Byte code for a layer. /opt is read-only: what a layer does not bring along, every cold start compiles again.
#
# LAYER_PYTHON    the version that will import the layer: Lambda's, or an emulator's own
# LAYER_COMPILER  an interpreter of just that version; byte code is of no use to another
LAYER_PYTHON ?= 3.12
LAYER_COMPILER ?= python$(LAYER_PYTHON)

SITE = $(ARTIFACTS_DIR)/python

# Not checked against the source when it is loaded: zip does not keep times well enough, a layer never changes, and the
# next build begins anew. Named as it will lie on Lambda, so that two builds are equal wherever they were made.
define compile
	@if "$(LAYER_COMPILER)" -I -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(LAYER_PYTHON)")' 2>/dev/null; \
	then "$(LAYER_COMPILER)" -I -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(ARTIFACTS_DIR)" -p /opt "$(SITE)"; \
	else echo "No Python $(LAYER_PYTHON) was found: the layer goes without byte code, and cold starts take 0.5 to 1 s longer. Install one, or name it in LAYER_COMPILER; then \`make clean\`."; \
	fi
endef
