#compdef mainstayctl
# Completion of mainstayctl(1) for zsh.
_mainstayctl() {
    local state line
    _arguments -C '--socket[Connect to this control socket of the daemon]:socket:_files' '--version[Print the version]' \
        '(-h --help)'{-h,--help}'[Print help]' '1:command:(status config reload upgrade server ipvs doctor)' '*::argument:->rest'
    [[ $state == rest ]] || return
    case $line[1] in
        status) _arguments '--json[Print the answer of the daemon as JSON]' ;;
        ipvs) _arguments '--stats[Show connections, packets and bytes]' ;;
        reload) _arguments '--dry-run[Show the changes, make none]' '--force[Remove what broken blocks no longer define]' '--json[Print the changes as JSON]' '1:file:_files' ;;
        upgrade) _arguments '1:program:_files' ;;
        server)
            case $words[2] in
                show) _arguments '1:servers:' ;;
                drain) _arguments '--dry-run[Show the changes, make none]' '--expire-persistence[Also release clients bound by persistence]' '1:servers:' ;;
                disable | enable) _arguments '--dry-run[Show the changes, make none]' '1:servers:' ;;
                weight) _arguments '--dry-run[Show the changes, make none]' '1:servers:' '2:weight:' ;;
                *) _values 'server command' disable drain enable show weight ;;
            esac
            ;;
        doctor) _arguments '--json[Print the findings as JSON]' '(-f --file)'{-f,--file}'[Read this configuration]:file:_files' ;;
        config)
            case $words[2] in
                check)
                    _arguments '--json[Print the diagnostics as one JSON array]' '--strict[Treat warnings as errors]' \
                        '(-i --config-id)'{-i,--config-id}'[Compare @id lines with this name]:id:' '*:file:_files' ;;
                explain) _arguments '*:keyword:(${(f)"$(mainstayctl config explain 2>/dev/null)"})' ;;
                print | convert) _arguments '1:file:_files' ;;
                schema) _arguments '--json[Print JSON, the only form]' ;;
                diff) _arguments '--json[Print the changes as JSON]' '1:file:_files' '2:file:_files' ;;
                pair) _arguments '1:file:_files' '2:file:_files' ;;
                reference)
                    _arguments '--markdown[Print Markdown tables]' '--man[Print the keyword part of mainstay.conf(5)]' \
                        '--toml-man[Print the keyword part of mainstay.toml(5)]' '--list[Print one line for each keyword]' '--head[Print this file first]:file:_files' ;;
                *) _values 'config command' check convert diff explain pair print reference schema ;;
            esac
            ;;
    esac
}
_mainstayctl "$@"
