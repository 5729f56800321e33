#compdef mainstayctl
# Completion of mainstayctl(1) for zsh.
_mainstayctl() {
    local state line
    _arguments -C '--socket[the control socket of the daemon]:socket:_files' '--version[print the version]' \
        '(-h --help)'{-h,--help}'[print help]' '1:command:(status config reload upgrade server ipvs doctor)' '*::argument:->rest'
    [[ $state == rest ]] || return
    case $line[1] in
        status) _arguments '--json[the answer of the daemon as it is]' ;;
        ipvs) _arguments '--stats[connections, packets and bytes]' ;;
        reload) _arguments '--dry-run[only tell]' '--force[also what broken blocks take away]' '--json[changes as JSON]' '1:file:_files' ;;
        upgrade) _arguments '1:program:_files' ;;
        server)
            case $words[2] in
                show) _arguments '1:servers:' ;;
                drain) _arguments '--dry-run[only tell]' '--expire-persistence[clients bound by persistence go, too]' '1:servers:' ;;
                disable | enable) _arguments '--dry-run[only tell]' '1:servers:' ;;
                weight) _arguments '--dry-run[only tell]' '1:servers:' '2:weight:' ;;
                *) _values 'server command' disable drain enable show weight ;;
            esac
            ;;
        doctor) _arguments '--json[findings as JSON]' '(-f --file)'{-f,--file}'[configuration]:file:_files' ;;
        config)
            case $words[2] in
                check)
                    _arguments '--json[one array of diagnostics]' '--strict[take warnings for errors]' \
                        '(-i --config-id)'{-i,--config-id}'[what @id lines are compared with]:id:' '*:file:_files' ;;
                explain) _arguments '*:keyword:(${(f)"$(mainstayctl config explain 2>/dev/null)"})' ;;
                print | convert) _arguments '1:file:_files' ;;
                schema) _arguments '--json[as JSON, the only form there is]' ;;
                diff) _arguments '--json[changes as JSON]' '1:file:_files' '2:file:_files' ;;
                pair) _arguments '1:file:_files' '2:file:_files' ;;
                reference)
                    _arguments '--markdown[as tables]' '--man[as part of a manual page]' \
                        '--toml-man[as part of the page about TOML]' '--list[a line for each]' '--head[printed first]:file:_files' ;;
                *) _values 'config command' check convert diff explain pair print reference schema ;;
            esac
            ;;
    esac
}
_mainstayctl "$@"
