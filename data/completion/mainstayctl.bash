# Completion of mainstayctl(1) for bash.
# Prints the commands, or the options of this command, that the help names.
_mainstayctl_help() { mainstayctl "${@:2}" --help 2>/dev/null | sed -nE "$1"; }

_mainstayctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' part='' word i choices
    COMPREPLY=()
    case $previous in
        --socket | --head | -f | --file)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            compopt -o filenames 2>/dev/null
            return
            ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        [[ $word == --socket ]] && { ((i++)); continue; }
        [[ $word == -* ]] && continue
        if [[ -z $command ]]; then command=$word
        elif [[ $command == @(config|server) && -z $part ]]; then part=$word
        fi
    done
    case $command:$part in
        :) choices='status config reload upgrade server ipvs doctor --socket --version --help' ;;
        status:) choices='--json --help' ;;
        ipvs:) choices='--stats --help' ;;
        reload:) choices='--dry-run --force --json --help' ;;
        upgrade:) choices='--help' ;;
        doctor:) choices='--json --file --help' ;;
        config: | server:)
            choices="$(_mainstayctl_help '/^Subcommands/,$s/^  ([a-z]+).*/\1/p' "$command") --help" ;;
        config:explain) choices=$(mainstayctl config explain 2>/dev/null) ;;
        config:* | server:*)
            choices=$(_mainstayctl_help 's/^ +(-[a-z],)?(--[a-z-]+).*/\2/p' "$command" "$part") ;;
        *) choices='--help' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W '$choices' -- "$current")
    if [[ $command:$part == @(reload:|upgrade:|config:?*) && $part != explain && $current != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        compopt -o filenames 2>/dev/null
    fi
}
complete -F _mainstayctl mainstayctl
