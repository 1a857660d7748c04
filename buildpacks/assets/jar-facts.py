"""What a .jar or .war says of itself, as JSON: read by Python's own zipfile, within bounds, in the build sandbox.

usage: jar-facts.py FILE...
Each fact: main (the manifest's Main-Class or null), spring (whether Spring Boot made it), servlet ("jakarta", "javax" or null:
the servlet API that a .war's own code is written for, else that of its libraries), error (why it cannot be read, or null).
"""
import io
import json
import sys
import zipfile

MANIFEST = "META-INF/MANIFEST.MF"
MAX_MANIFEST = 1024 * 1024
MAX_MEMBER = 16 * 1024 * 1024
MAX_TOTAL = 512 * 1024 * 1024
OLD = (b"javax/servlet/", b"java.sun.com/xml/ns", b"xmlns.jcp.org/xml/ns", b"java.sun.com/dtd/web-app", b"javax.servlet.")
NEW = (b"jakarta/servlet/", b"jakarta.ee/xml/ns", b"jakarta.servlet.")


def bounded(archive, name, limit):
    with archive.open(name) as member:
        return member.read(limit)


def attributes(text):
    """The manifest's main section; a line that begins with a space goes on with the one before (JAR specification)."""
    lines = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line == "":
            break
        if line.startswith(" ") and lines:
            lines[-1] += line[1:]
        else:
            lines.append(line)
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


class Marks:
    """Which of the two servlet APIs is named in what was looked at."""

    def __init__(self):
        self.old = self.new = False
        self.left = MAX_TOTAL

    def look(self, data):
        self.left -= len(data)
        self.old = self.old or any(mark in data for mark in OLD)
        self.new = self.new or any(mark in data for mark in NEW)

    def verdict(self):
        return "jakarta" if self.new else "javax" if self.old else None


def servlet_of(archive):
    own, libraries = Marks(), Marks()
    for info in archive.infolist():
        name = info.filename
        if name.startswith("WEB-INF/lib/") and name.endswith(".jar"):
            look_into(bounded(archive, name, MAX_MEMBER * 4), libraries)
        elif own.left > 0 and name.endswith((".class", ".xml", ".jsp", ".jspx", ".tag", ".tld")):
            own.look(bounded(archive, name, MAX_MEMBER))
    return own.verdict() or libraries.verdict()


def look_into(data, marks):
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as library:
            for info in library.infolist():
                if marks.left > 0 and info.filename.endswith(".class"):
                    marks.look(bounded(library, info.filename, MAX_MEMBER))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError):
        pass


def facts(path):
    try:
        with zipfile.ZipFile(path) as archive:
            there = MANIFEST in archive.namelist()
            text = bounded(archive, MANIFEST, MAX_MANIFEST).decode("utf-8", "replace") if there else ""
            said = attributes(text)
            return {
                "main": said.get("main-class"),
                "spring": "spring-boot-version" in said,
                "servlet": servlet_of(archive) if path.endswith(".war") else None,
                "error": None,
            }
    except Exception as error:  # whatever a hostile archive brings about is the archive's fault
        return {"main": None, "spring": False, "servlet": None, "error": str(error)[:200] or type(error).__name__}


json.dump([facts(path) for path in sys.argv[1:]], sys.stdout)
