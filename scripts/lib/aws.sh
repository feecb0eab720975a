# What the scripts of the reference deployment share. Sourced by them, after packages.sh.
# shellcheck shell=bash

# Unless --stack says otherwise.
# shellcheck disable=SC2034
STACK=rushhour

# Ends with 2 unless the AWS CLI is here and knows an account. Credentials are its own business: profiles, SSO, roles.
need_account() {
    need_programs python3
    if ! has aws; then
        say "missing: aws; install version 2 of the AWS CLI (https://aws.amazon.com/cli), then run $0 again"
        exit 2
    fi
    if ! ACCOUNT="$(aws sts get-caller-identity --query Account --output text)"; then
        say "no credentials; sign in (aws sso login, or AWS_PROFILE), then run $0 again"
        exit 2
    fi
    REGION="${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}"
    if [ -z "$REGION" ]; then
        say "no region; set AWS_REGION, then run $0 again"
        exit 2
    fi
    export AWS_DEFAULT_REGION="$REGION"
    # The program, profiles and results. A bucket's name is known to the whole world, so it holds the account.
    # shellcheck disable=SC2034
    BUCKET="rushhour-$ACCOUNT-$REGION"
}

# The stack names the store's users, whose names are short.
check_stack_name() {
    case "$1" in
        [a-z]*) ;;
        *) say "--stack begins with a small letter, not \"$1\""; exit 2 ;;
    esac
    case "$1" in
        *[!a-z0-9-]*) say "--stack is small letters, digits and hyphens, not \"$1\""; exit 2 ;;
    esac
    if [ "${#1}" -gt 30 ]; then
        say "--stack has at most 30 letters, not ${#1}"
        exit 2
    fi
}

# What the stack says of itself; nothing for an output that it does not have.
output_of() {
    local value
    value="$(aws cloudformation describe-stacks --stack-name "$1" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue | [0]")"
    [ "$value" = None ] || printf '%s\n' "$value"
}

need_stack() {
    if ! aws cloudformation describe-stacks --stack-name "$1" >/dev/null 2>&1; then
        say "there is no stack \"$1\" in $REGION of account $ACCOUNT; make it with scripts/aws/up, or name another with --stack"
        exit 2
    fi
}

# Asks before what costs or destroys. Where nobody can be asked, --yes has to be given.
confirm() {
    local answer
    if [ ! -t 0 ]; then
        say "nobody to ask; give --yes to go on"
        exit 2
    fi
    read -r -p "$1 [y/N] " answer
    case "$answer" in y | Y | yes) ;; *) say "nothing was done"; exit 2 ;; esac
}
