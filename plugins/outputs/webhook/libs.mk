# SPDX-License-Identifier: Apache-2.0
common.webhook := encode http template
libs.webhook := -lcurl -lcrypto -lz -lyaml -ljansson
# presets are data files; built in, so that the plugin has them wherever it lies
webhook_presets := $(wildcard $(top)/plugins/outputs/webhook/presets/*.yaml)
webhook_obj := $(addprefix $(O)/obj/plugins/outputs/webhook/hook_preset.,o pic.o static.o)
$(webhook_obj): | $(O)/gen/webhook/presets.h
$(O)/gen/webhook/presets.h: $(top)/plugins/outputs/webhook/presets.awk $(webhook_presets)
	$(call say,GEN)mkdir -p $(@D) && awk -f $^ > $@
