"""What can be said of the packages without installing them."""

import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

from machine import expect

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def output(*words, status=0, env=None):
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
    )
    expect(
        status is None or done.returncode == status,
        f"{' '.join(words)}: {done.returncode}\n{done.stdout}",
    )
    return done.stdout


class Static:
    in_order = False

    def __init__(self, packages):
        self.packages = packages
        self.tree = tempfile.mkdtemp(prefix="podium-packages-")
        for package in glob.glob(os.path.join(packages, "*.deb")):
            output("dpkg-deb", "-x", package, self.tree)

    def end(self):
        shutil.rmtree(self.tree)

    def path(self, *parts):
        return os.path.join(self.tree, *parts)

    def lintian(self):
        """lintian finds no error"""
        changes = glob.glob(os.path.join(self.packages, "*.changes"))
        expect(len(changes) == 1, f"{len(changes)} .changes files")
        said = output("lintian", "--allow-root", "--fail-on", "error", changes[0])
        warnings = sum(1 for line in said.splitlines() if line.startswith("W:"))
        return f"{warnings} warnings"

    def packages_are_complete(self):
        """the four packages are there, and no file is in two of them"""
        owners = {}
        for package in glob.glob(os.path.join(self.packages, "*.deb")):
            name = os.path.basename(package).split("_")[0]
            for line in output("dpkg-deb", "-c", package).splitlines():
                path = line.split(None, 5)[5]
                if not path.endswith("/"):
                    expect(path not in owners, f"{path} is in {name} and {owners.get(path)}")
                    owners[path] = name
        expect(
            set(owners.values())
            == {"podium", "podium-plugins-python", "podium-plugins-minio", "podium-sdk-dev"},
            str(set(owners.values())),
        )

    def headers_suffice(self):
        """a plugin's source compiles with the headers of podium-sdk-dev alone"""
        source = os.path.join(TOP, "plugins/response/plain/plain.cpp")
        output(
            "g++",
            "-std=c++20",
            "-fsyntax-only",
            "-nostdinc",
            *self._compiler_headers(),
            "-I" + self.path("usr/include"),
            "-I" + os.path.dirname(source),
            source,
        )

    @staticmethod
    def _compiler_headers():
        said = output("g++", "-std=c++20", "-E", "-x", "c++", "-v", "/dev/null")
        return [
            f"-isystem{line.strip()}"
            for line in said.split("#include <...> search starts here:")[1]
            .split("End of search list")[0]
            .splitlines()
            if line.strip()
        ]

    def security_value(self):
        """systemd's value for the unit's exposure is the one that docs/operations.md states, or better"""
        said = output(
            "systemd-analyze",
            "security",
            "--offline=true",
            self.path("lib/systemd/system/podiumd.service"),
        )
        value = float(
            re.search(r"Overall exposure level for podiumd.service: ([0-9.]+)", said).group(1)
        )
        with open(os.path.join(TOP, "docs/operations.md")) as text:
            stated = re.search(r"systemd-analyze security[^.]*? ([0-9]+\.[0-9])", text.read())
        expect(stated, "docs/operations.md states none")
        expect(
            value <= float(stated.group(1)), f"{value}, docs/operations.md says {stated.group(1)}"
        )
        return str(value)

    def manual_pages_format(self):
        """man formats the pages without a warning"""
        for page in glob.glob(self.path("usr/share/man/man?/*")):
            said = output(
                "man",
                "--warnings",
                "-l",
                page,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "100"},
            )
            warnings = [
                line
                for line in said.splitlines()
                if "warning" in line and "<standard input>" in line
            ]
            expect(not warnings, f"{page}: {warnings}")
            expect("NAME" in said and "SEE ALSO" in said, f"{page} is not whole")

    def _help(self, program):
        return output(self.path("usr/bin", program), "--help")

    def _page(self, name):
        text = output(
            "man",
            "-l",
            glob.glob(self.path("usr/share/man", name + "*"))[0],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "1000"},
        )
        return text.replace("\u2010", "-")

    def manual_pages_know_the_options(self):
        """podium(1), podiumd(8) and podium-conform(1) have every command and option that --help names"""
        for program, page in (
            ("podium", "man1/podium.1"),
            ("podiumd", "man8/podiumd.8"),
            ("podium-conform", "man1/podium-conform.1"),
        ):
            text = self._page(page)
            wanted = set(re.findall(r"(--[a-z][a-z-]+)", self._help(program)))
            wanted |= {f"podium {verb}" for verb in self._verbs()} if program == "podium" else set()
            expect(len(wanted) >= 4, f"--help of {program} names {wanted}")
            verbs_of_page = set(re.findall(r"\b[a-z]+\b", text))
            missing = [
                word
                for word in wanted
                if word not in text and word.split()[-1] not in verbs_of_page
            ]
            expect(not missing, f"{page} lacks {missing}")

    def configuration_page_is_whole(self):
        """podium.json(5) has every option of the built-in configuration"""
        text = re.sub(r"\s+", " ", self._page("man5/podium.json.5"))
        defaults = output(self.path("usr/bin/podiumd"), "--defaults")
        keys = set(re.findall(r'^ *"([a-z_]+)":', defaults, re.M))
        missing = [key for key in keys if not re.search(rf"\b{key}\b", text)]
        expect(len(keys) > 80, f"only {len(keys)} keys found")
        expect(not missing, f"it lacks {missing}")
        return f"{len(keys)} keys"

    def _verbs(self):
        return re.findall(r"^(?:usage:)? +podium ([a-z]+)", self._help("podium"), re.M)

    def _complete(self, *words):
        script = (
            'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
            '_podium "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null; '
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        return output(
            "bash",
            "-c",
            script,
            "bash",
            self.path("usr/share/bash-completion/completions/podium"),
            self.path("usr/bin/podium"),
            *words,
        ).split()

    def completion_knows_the_commands(self):
        """every verb that podium --help names completes, from its beginning on"""
        verbs = self._verbs()
        expect(len(verbs) >= 7, str(verbs))
        expect(sorted(set(verbs)) == self._complete(""), f"{self._complete('')}, expected {verbs}")
        for verb in verbs:
            expect(verb in self._complete(verb[:2]), f"{verb[:2]} does not complete to {verb}")

    def completion_knows_the_options(self):
        """every option of --help completes behind one of the verbs, and exec's behind exec only"""
        wanted = {
            word
            for word in re.findall(r"^  (?:--[a-z]+, )?(--[a-z-]+)", self._help("podium"), re.M)
        }
        wanted |= {word for word in re.findall(r"^  (--[a-z-]+)", self._help("podium"), re.M)}
        offered = {word for verb in self._verbs() for word in self._complete(verb, "--")}
        expect(wanted <= offered, f"not offered: {sorted(wanted - offered)}")
        expect("--lang" in self._complete("exec", "--"), "exec --lang does not complete")
        expect("--lang" not in self._complete("status", "--"), "status --lang completes")
        names = output(self.path("usr/bin/podium"), "languages", "--names").split()
        expect(
            len(names) > 13 and "py" in names and "python" in names,
            f"languages --names says {names}",
        )
        expect(
            sorted(names) == sorted(self._complete("exec", "--lang", "")),
            "exec --lang offers other languages",
        )
        other = self.path("other.json")
        with open(other, "w") as text:
            json.dump(
                {
                    "languages": {
                        "mine": {
                            "runtimes": ["jobs"],
                            "source": "main",
                            "command": ["/bin/sh", "{source}"],
                        }
                    }
                },
                text,
            )
        expect(
            "mine" in self._complete("exec", "--config", other, "--lang", ""),
            "exec --lang does not offer what the configuration adds",
        )
        expect("create" in self._complete("keys", "c"), "keys create does not complete")
        expect("diff" in self._complete("config", ""), "config diff does not complete")


CASES = [
    "lintian",
    "packages_are_complete",
    "headers_suffice",
    "security_value",
    "manual_pages_format",
    "manual_pages_know_the_options",
    "configuration_page_is_whole",
    "completion_knows_the_commands",
    "completion_knows_the_options",
]
