# Completion of mainstayctl(1) for bash.
# Prints the commands, or the options of this command, that the help names.
_mainstayctl_help() { mainstayctl "${@:2}" --help 2>/dev/null | sed -nE "$1"; }

# Asks the daemon that the line is about (`scope`: its options); none on another host.
_mainstayctl_asked() { [[ " ${scope[*]} " == *' --host '* ]] || mainstayctl "${scope[@]}" "$@" 2>/dev/null; }

# The names of the running daemon's instances and sync groups, where a daemon runs.
_mainstayctl_instances() {
    _mainstayctl_asked status | awk '$1 == "INSTANCE" || $1 == "GROUP" { names = 1; next }
        !NF { names = 0 } names && /^[^ ]/ { print $1 }'
}
# These and the names of its services and servers.
_mainstayctl_names() {
    _mainstayctl_instances
    _mainstayctl_asked status | awk '/^ *\[/ { print $1 }'
}

# The ids of mails, or of events for webhooks, that wait or have failed.
_mainstayctl_queued() { _mainstayctl_asked "$1" queue --json | grep -oE '"id":"[^"]+"' | cut -d'"' -f4; }

_mainstayctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' part='' word i choices
    local -a scope=()
    COMPREPLY=()
    [[ $previous == --instance && $COMP_CWORD == 2 ]] && {
        mapfile -t COMPREPLY < <(compgen -W "$(mainstayctl daemons --json 2>/dev/null | sed -nE 's/^ *"name": "([^"]+)",?$/\1/p')" -- "$current")
        return
    }
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        [[ $word == @(--socket|--host|--instance|--pid-file) ]] && {
            [[ -z $command || $word != --instance ]] && scope+=("$word" "${COMP_WORDS[i + 1]}")
            ((i++))
            continue
        }
        [[ $word == -* ]] && continue
        if [[ -z $command ]]; then command=$word
        elif [[ $command == @(config|server|mail|webhook|maintenance|api|record) && -z $part ]]; then part=$word
        fi
    done
    case $previous in
        --instance | --service)
            mapfile -t COMPREPLY < <(compgen -W "$(_mainstayctl_names)" -- "$current")
            return
            ;;
        --from)
            mapfile -t COMPREPLY < <(compgen -W 'ldirectord ipvsadm' -- "$current")
            return
            ;;
        --socket | --pid-file | --head | --root | -f | --file)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            compopt -o filenames 2>/dev/null
            return
            ;;
    esac
    case $command:$part in
        :) choices='status vrrp lvs events why top metrics config reload upgrade takeover server mail webhook loglevel failover maintenance api record replay announced fleet ipvs daemons doctor migrate --instance --pid-file --socket --host --version --help' ;;
        status:) choices="--json --check --watch --help $(_mainstayctl_names)" ;;
        vrrp: | lvs:) choices="--json --watch --help $(_mainstayctl_names)" ;;
        why:) choices="--json --udp --help $(_mainstayctl_names)" ;;
        events:) choices='--follow --since --instance --service --lines --json --help' ;;
        top:) choices='--lines --watch --help' ;;
        metrics:) choices='--scope --compat --openmetrics --reference --help' ;;
        announced:) choices='--follow --exabgp --interface --drain-interface --help' ;;
        fleet:) choices="--json --help $(compgen -A hostname)" ;;
        daemons:) choices='--json --help' ;;
        ipvs:) choices='--mtu --stats --help' ;;
        reload:) choices='--dry-run --force --json --yes --help' ;;
        upgrade:) choices='--help' ;;
        takeover:) choices='--undo --confirm --pid-file --unit --help' ;;
        failover:) choices="$(_mainstayctl_instances) --back --dry-run --help" ;;
        loglevel:) choices='supervisor config vrrp lvs bfd track snmp observer mail webhook api debug info notice warning error default --help' ;;
        replay:) choices='--at --instance --service --server --help' ;;
        record:) choices='save --help' ;;
        record:*) choices='--help' ;;
        doctor:) choices='--json --file --help' ;;
        migrate:) choices='--from --root --json --help' ;;
        config: | server: | mail: | webhook: | maintenance: | api:)
            choices="$(_mainstayctl_help '/^Subcommands/,$s/^  ([a-z]+).*/\1/p' "$command") --help" ;;
        config:explain) choices=$(mainstayctl config explain 2>/dev/null) ;;
        mail:retry | mail:drop | webhook:retry | webhook:drop) choices="--all --help $(_mainstayctl_queued "$command")" ;;
        config:* | server:* | mail:* | webhook:* | maintenance:* | api:*)
            choices=$(_mainstayctl_help 's/^ +(-[a-z],)?(--[a-z-]+).*/\2/p' "$command" "$part") ;;
        *) choices='--help' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W '$choices' -- "$current")
    if [[ $command:$part == @(reload:|upgrade:|replay:|migrate:|record:?*|config:?*) && $part != explain && $current != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        compopt -o filenames 2>/dev/null
    fi
}
complete -F _mainstayctl mainstayctl
