# SPDX-License-Identifier: BSD-2-Clause
"""Writes targrey-headers(7) from docs/headers.md; the build does so.

usage: docs/man/headers.py >targrey-headers.7
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
HEAD = """\
.\\" SPDX-License-Identifier: BSD-2-Clause
.\\" Made from docs/headers.md by docs/man/headers.py.
.Dd November 29, 2026
.Dt TARGREY-HEADERS 7
.Os
.Sh NAME
.Nm targrey-headers
.Nd what targrey writes into the headers of a message
.Sh DESCRIPTION
"""
TAIL = """\
.Sh SEE ALSO
.Xr targrey.conf 5 ,
.Xr targreyctl 8 ,
.Xr targreyd 8
"""


def plain(text):
    """Without Markdown's marks, ready for a text line of mdoc."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text.strip())
    text = text.replace("**", "").replace("`", "").replace("\\", "\\e")
    text = re.sub(r"(?<=[.!?]) (?=[A-Z])", "\n", text)
    return "\n".join(("\\&" if line[:1] in ".'" else "") + line for line in text.split("\n"))


def cells(line):
    return [plain(cell.replace("\0", "|")) for cell in
            line.strip().strip("|").replace("\\|", "\0").split("|")]


def table(lines):
    out = [".Bl -tag -width Ds"]
    for line in lines[2:]:
        first, *rest = cells(line)
        out.append(".It Li %s" % first.replace(" ", "\\ "))
        out.append("\n.br\n".join(cell for cell in rest if cell))
    return "\n".join(out + [".El"])


def block(lines):
    if lines[0].startswith("|"):
        return table(lines)
    if lines[0].startswith("    "):
        return ".Bd -literal -offset indent\n%s\n.Ed" % "\n".join(
            line[4:].replace("\\", "\\e") for line in lines)
    if lines[0].startswith(("* ", "- ")):
        items = re.split(r"(?m)^[*-] ", "\n".join(lines))[1:]
        return "\n".join([".Bl -bullet", *(".It\n" + plain(" ".join(item.split())) for item in items), ".El"])
    return ".Pp\n" + plain(" ".join(" ".join(lines).split()))


def manual(text):
    out, lines = [], []
    for line in (text + "\n").split("\n")[1:] + [""]:
        if line.startswith("## "):
            out.append(".Ss " + plain(line[3:]))
        elif line.strip() == "":
            if lines:
                out.append(block(lines))
            lines = []
        else:
            lines.append(line)
    body = "\n".join(out)
    body = re.sub(r"(?m)^(\.S[hs] .*)\n\.Pp$", r"\1", body)
    return HEAD + re.sub(r"\A\.Pp\n", "", body) + "\n" + TAIL


if __name__ == "__main__":
    sys.stdout.write(manual((TOP / "docs" / "headers.md").read_text()))
