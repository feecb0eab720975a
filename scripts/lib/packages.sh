# Finds out what this machine lacks to build and run rushhour, and installs it where it may. Sourced by other scripts.
#
# Written for bash 3.2 and later, which is what macOS has.
# shellcheck shell=bash

# To stderr, so that what a run prints can be piped on.
say() {
    printf '==> %s\n' "$*" >&2
}

# Debian keeps haproxy in sbin, rustup keeps cargo in the home directory; neither is in every user's PATH.
PATH="$PATH:/usr/sbin:/usr/local/sbin:${CARGO_HOME:-$HOME/.cargo}/bin"

has() {
    command -v "$1" >/dev/null 2>&1
}

# The programs of those named that are not here, with a space between.
missing_programs() {
    local program missing=""
    for program in "$@"; do
        has "$program" || missing="$missing $program"
    done
    echo "${missing# }"
}

package_manager() {
    local manager
    for manager in apt-get dnf apk pacman brew; do
        if has "$manager"; then
            printf '%s\n' "$manager"
            return
        fi
    done
}

# What a package manager calls the packages that bring a program.
packages_for() {
    case "$1 $2" in
        "apt-get cc") echo "gcc libc6-dev" ;;
        "apt-get python3") echo "python3 python3-venv" ;;
        "apk cc") echo "gcc musl-dev" ;;
        *" cc") echo "gcc" ;;
        "apt-get redis-server") echo "redis-server" ;;
        # Arch has Valkey in place of Redis; it also answers to the name of redis-server.
        "pacman redis-server") echo "valkey" ;;
        *" redis-server") echo "redis" ;;
        "pacman python3") echo "python" ;;
        "dnf shellcheck") echo "ShellCheck" ;;
        *) echo "$2" ;;
    esac
}

# The command that installs packages. Recommended packages are left out: nothing here needs them.
install_command() {
    local manager="$1"
    shift
    case "$manager" in
        apt-get) echo "apt-get install --yes --no-install-recommends $*" ;;
        dnf) echo "dnf install --assumeyes --setopt=install_weak_deps=False $*" ;;
        apk) echo "apk add $*" ;;
        pacman) echo "pacman --sync --noconfirm --needed $*" ;;
        brew) echo "brew install $*" ;;
    esac
}

# What comes before a command that changes the machine: nothing for root and for Homebrew, which refuses root.
# Fails where there is no right to run one without asking for a password.
privilege() {
    if [ "$1" = brew ] || [ "$(id -u)" -eq 0 ]; then
        return 0
    fi
    if has sudo && sudo -n true 2>/dev/null; then
        echo "sudo -n"
        return 0
    fi
    return 1
}

# Packages of Debian start their services at once. The lab runs servers of its own, so a service that came with a
# package installed just now is stopped again and not started at boot.
stop_new_services() {
    local sudo="$1" program
    shift
    for program in "$@"; do
        case "$program" in redis-server | haproxy | nginx) ;; *) continue ;; esac
        if [ -d /run/systemd/system ]; then
            say "stopping the service $program, which the package started; rushhour runs its own"
            $sudo systemctl disable --now --quiet "$program" || true
        elif [ -x "/etc/init.d/$program" ] && "/etc/init.d/$program" status >/dev/null 2>&1; then
            say "stopping the service $program, which the package started; rushhour runs its own"
            $sudo "/etc/init.d/$program" stop >/dev/null || true
        fi
    done
}

# Makes sure that the programs named are here. Where one is missing and may not be installed, says what to run and
# ends with 2.
need_programs() {
    local missing manager program packages="" command sudo
    missing="$(missing_programs "$@")"
    if [ -z "$missing" ]; then
        say "programs needed are here: $*"
        return 0
    fi
    manager="$(package_manager)"
    if [ -z "$manager" ]; then
        say "missing: $missing"
        say "install them with this machine's package manager, then run this again"
        exit 2
    fi
    for program in $missing; do
        packages="$packages $(packages_for "$manager" "$program")"
    done
    # Unquoted on purpose, here and below: lists of words.
    # shellcheck disable=SC2086
    command="$(install_command "$manager" $packages)"
    if ! sudo="$(privilege "$manager")"; then
        say "missing: $missing"
        say "installing needs root; run this, then run $0 again:"
        printf '\n    sudo %s\n\n' "$command" >&2
        exit 2
    fi
    say "installing what is missing ($missing): $command"
    if [ "$manager" = apt-get ]; then
        $sudo apt-get update --quiet=2 || say "package lists could not be refreshed; going on with those that are here"
        command="env DEBIAN_FRONTEND=noninteractive $command --quiet=2"
    fi
    # shellcheck disable=SC2086
    if ! $sudo $command </dev/null >&2; then
        say "that failed; install $missing by hand, then run $0 again"
        exit 2
    fi
    if [ "$manager" = apt-get ]; then
        # shellcheck disable=SC2086
        stop_new_services "$sudo" $missing
    fi
    missing="$(missing_programs "$@")"
    if [ -n "$missing" ]; then
        say "still missing after that: $missing; install them by hand, then run $0 again"
        exit 2
    fi
}

# A Rust toolchain is not ours to install.
need_cargo() {
    if ! has cargo; then
        say "missing: cargo; install a Rust toolchain as https://rustup.rs says, then run $0 again"
        exit 2
    fi
}

# Makes a Python environment of its own in a folder, with the packages that a requirements file lists. Sets
# RUSHHOUR_TEST_PYTHON, by which tests find it.
need_python_packages() {
    local folder="$1" requirements="$2"
    need_programs python3
    if ! cmp -s "$requirements" "$folder/requirements.txt"; then
        say "setting up Python packages in $folder: $(grep -v '^#' "$requirements" | tr '\n' ' ')"
        if ! python3 -m venv "$folder"; then
            say "python3 cannot make environments here; install its venv module (Debian: python3-venv), then run $0 again"
            exit 2
        fi
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
        # Copied last: what was interrupted is set up again.
        cp "$requirements" "$folder/requirements.txt"
    fi
    RUSHHOUR_TEST_PYTHON="$(cd "$folder" && pwd)/bin/python"
    export RUSHHOUR_TEST_PYTHON
}
