# SPDX-License-Identifier: Apache-2.0
# The commands of every day; Meson does the building. `make help` lists them.
BUILD ?= build
TIPRING = $(BUILD)/src/cli/tipring

.PHONY: help run demo build test check unit interop test-browser bench speech-bench fuzz sanitize vosk who-is-there impairment voice-detection clean setup

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make run       install what is missing, build, serve, and show a real call; then goes on serving
run: build
	@scripts/run $(TIPRING)

## make demo      the call alone; exits with its outcome
demo: build
	@scripts/run --demo-only $(TIPRING)

## make build     install what is missing and build
build: setup
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD)

setup:
	@scripts/setup run

## make test      every test: units, conformance, simulation, interop with real SIP peers, end to end
test:
	@scripts/setup test
	@$(MAKE) --no-print-directory build
	@scripts/test $(BUILD)

## make unit      the fast ones only: units, conformance, simulation
unit: build
	@scripts/test $(BUILD) unit

## make interop   SIPp, Asterisk, baresip against a running daemon
interop: build
	@scripts/setup test
	@scripts/test $(BUILD) interop

## make test-browser  Chromium, headless, calls an agent: WebRTC over SIP on a WebSocket (installs chromium, 120 MB to fetch)
test-browser: build
	@scripts/setup test
	@scripts/setup browser
	@scripts/test $(BUILD) browser

## make sanitize  units, conformance, simulation under ASan and UBSan; gcc warns wrongly about instrumented code, so warnings are no errors here
sanitize: setup
	@[ -f $(BUILD)-asan/build.ninja ] || meson setup $(BUILD)-asan -Db_sanitize=address,undefined -Dbuildtype=debugoptimized -Dwerror=false >/dev/null
	@ninja -C $(BUILD)-asan && scripts/test $(BUILD)-asan unit

## make vosk      install the optional recogniser Vosk below the build folder and run its tests
vosk: build
	@scripts/install-vosk $(BUILD)/vosk
	@TIPRING_VOSK=$(abspath $(BUILD))/vosk meson test -C $(BUILD) --print-errorlogs --num-processes 1 vosk/transcript vosk/stt_vosk

## make who-is-there  the tables of docs/who-is-there.md anew; many minutes
who-is-there: build
	@scripts/setup speech
	@ninja -C $(BUILD) bench/bench_answering >/dev/null
	@scripts/speech/answering/make $(BUILD)/answering
	@scripts/speech/answering/measure $(BUILD)/answering $(BUILD)/bench/bench_answering
	@scripts/speech/answering/measure $(BUILD)/answering $(BUILD)/bench/bench_answering --words share/en/answering.gram

## make voice-detection  the tables of docs/voice-detection.md anew: ours, Silero v6 and WebRTC's detector; fetches voices, some minutes
voice-detection: build
	@scripts/setup speech
	@ninja -C $(BUILD) scripts/speech/vad/vad_tool >/dev/null
	@TIPRING_SPEECH_CACHE=$(abspath $(BUILD))/speech VAD_TOOL=$(abspath $(BUILD))/scripts/speech/vad/vad_tool scripts/speech/vad/evaluate --people

## make impairment  calls over bad networks: the table of docs/impairment.md anew; as root, ten minutes and more
impairment: build
	@scripts/setup test
	@ninja -C $(BUILD) bench/bench_engines >/dev/null
	@scripts/impairment $(TIPRING) $(BUILD)/bench/bench_engines

## make bench     the figures: SIP calls a second, media calls a core, codecs, speech
bench: build
	@scripts/bench $(BUILD)

## make speech-bench  the tables of docs/hearing.md anew: the set is made below the build folder, then heard; SPEECH_EVERY=1 for all of it
SPEECH_EVERY ?= 8
speech-bench: build
	@scripts/setup speech
	@ninja -C $(BUILD) bench/speech_line bench/speech_bench >/dev/null
	@scripts/speech/hearing/testset $(BUILD)
	@$(BUILD)/bench/speech_bench $(BUILD)/speech -n $(SPEECH_EVERY)
	@$(BUILD)/bench/speech_bench $(BUILD)/speech -n $(SPEECH_EVERY) -e vosk
	@$(BUILD)/bench/speech_bench $(BUILD)/speech -t 10

## make fuzz      every fuzz target for FUZZ_SECONDS each (60)
fuzz:
	@scripts/setup fuzz
	@scripts/fuzz $(BUILD)-fuzz

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz
