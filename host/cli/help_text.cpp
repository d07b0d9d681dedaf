#include "cli/command_line.hpp"

namespace podium::cli {

std::string_view help_text() noexcept {
  return R"(podium: runs programs in the sandboxes of podiumd, and looks after that daemon.

usage: podium exec [OPTIONS] FILE     run a program; FILE may be - for standard input
       podium runs [OPTIONS]          what runs now; with the administrator's key, of everybody
       podium cancel ID [OPTIONS]     end a run
       podium status [OPTIONS]        how the daemon and its plugins are
       podium languages [OPTIONS]     what can be run here, with versions, and what lacks for the rest
       podium doctor [OPTIONS]        what this machine lacks, with a remedy each
       podium reload [OPTIONS]        make the daemon read its configuration again
       podium config diff [FILE]      what a reload would change now, or with FILE; what needs a restart
       podium config explain KEY      what an option is for, its bounds, its value and where that is from
       podium config schema           a JSON Schema of the configuration, plugins included
       podium keys [ACTION] [OPTIONS] list the API keys, or: create ID, change ID, disable ID,
                                      enable ID, delete ID
       podium audit [OPTIONS]         who ran what, and what administrators did, newest first
       podium backup [OPTIONS]        write a copy of the database and say where it is
       podium plugin new KIND NAME    write a plugin to start from: a runtime, storage or response

exec:
  --lang L        language, e.g. py or bash; otherwise told by the extension of FILE
  --file F        give the program this file, at /mnt/data; may be repeated
  --out DIR       keep the files that the program made or changed
  --arg A         an argument of the program; may be repeated
  --stdin         pass standard input on to the program
  --timeout T     end it after this time, e.g. 10s
  --quiet         with text: nothing but what the program prints
With text, what the program prints is shown while it runs. Ctrl-C cancels the run.

keys create, keys change:
  --name TEXT     for people
  --tenant TEXT   keys of one tenant share the files of its agents and skills
  --limit P=N     at most N runs a P: second, minute, hour, day, month; or concurrent=N at a time;
                  0 for any number; may be repeated. default: as the configuration says

audit:
  --principal P   of this key or token's subject only; admin:key: what administrators did
  --lines N       at most [50]

languages:
  --names         nothing but names and aliases, one a line, without looking at the machine

plugin new:
  --dir D         folder of the new project [NAME, here]

all:
  --url URL       of the daemon [PODIUM_URL, http://127.0.0.1:8000]
  --key KEY       API key; better: [PODIUM_KEY], or a file:
  --key-file F    [PODIUM_KEY_FILE, first-key in the state directory]; keys, audit, backup,
                  config and reload want the administrator's: [PODIUM_ADMIN_KEY, PODIUM_ADMIN_KEY_FILE, admin-key there]
  --state-dir D   state directory of the daemon [PODIUM_STATE_DIR, /var/lib/podium]
  --config FILE   configuration that the daemon runs with, for doctor, languages and config explain
  --json, --text  how to print; text on a terminal, JSON elsewhere
  --help, --version

The exit code of exec is the program's; 128 + n for signal n, 124 when its time ran out, 125 when
podium itself failed, 130 after Ctrl-C. The others: 0 good, 1 not good, 2 usage.
)";
}

}  // namespace podium::cli
