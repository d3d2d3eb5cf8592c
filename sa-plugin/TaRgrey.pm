# SPDX-License-Identifier: BSD-2-Clause
package Mail::SpamAssassin::Plugin::TaRgrey;

use strict;
use warnings;
use re 'taint';

use Mail::SpamAssassin::Conf;
use Mail::SpamAssassin::Logger;
use Mail::SpamAssassin::Plugin;

our @ISA     = qw(Mail::SpamAssassin::Plugin);
our $VERSION = '1.0';

=head1 NAME

Mail::SpamAssassin::Plugin::TaRgrey - facts of the SMTP session, from targrey

=head1 SYNOPSIS

  # targrey.pre
  loadplugin Mail::SpamAssassin::Plugin::TaRgrey

  # local.cf
  targrey_hosts      mx1.example.jp mx2.example.jp
  add_header all     TaRgrey _TARGREY_

  # rules
  header __LINE      eval:check_targrey('s25r', 'match')
  header __OFTEN     eval:check_targrey_num('seen', 10)

=head1 DESCRIPTION

targrey writes what it saw of an SMTP session into C<X-TaRgrey-Session>,
C<X-TaRgrey-Client> and C<X-TaRgrey-Flags>, above the Received header of the MX.
This plugin reads them and offers their values to rules and report templates.
The rules themselves are in F<70_targrey.cf>, which also works without the
plugin; the plugin adds the check of the host that wrote the header
(C<targrey_hosts>), layouts in which the header is not above the boundary
(C<targrey_below>) and tags.

=head2 Which copy is trusted

A sender can put any header into its mail. Only copies at or above the Received
header that the first of our own hosts wrote for the client outside (see
C<internal_networks>) are trusted. Of several, the one nearest to that header
counts, since that is where targrey puts it. It must say C<v=1>, and its C<id>
must be among C<targrey_hosts> if that is set. If not, no other copy is taken
instead: the message then has no facts.

With C<targrey_below>, copies directly below that Received header are taken as
well, up to the next Received header, if their C<id> is in C<targrey_hosts>.

=head1 USER SETTINGS

=over 4

=cut

my $PAIR    = qr{^([a-z][a-z0-9_]{0,31})=([A-Za-z0-9._:+/\[\],%-]{1,128})[ \t]*\z};
my $ID      = qr/^[A-Za-z0-9._:\[\]\-]{1,64}$/;

# Facts that Bayes may learn: few words, no names, no counters.
my @BAYES_KEYS = qw(rdns s25r s25r_rule tarpit grey early helo helo_dns from spf pipe tls);

sub new {
	my ($class, $main) = @_;
	$class = ref($class) || $class;
	my $self = $class->SUPER::new($main);
	bless $self, $class;
	$self->set_config($main->{conf});
	for my $name (qw(check_targrey check_targrey_num check_targrey_listed
	    check_targrey_forged)) {
		$self->register_eval_rule($name, $Mail::SpamAssassin::Conf::TYPE_HEAD_EVALS);
	}
	$self->register_method_priority('parsed_metadata', -10);
	return $self;
}

# For 'if can(Mail::SpamAssassin::Plugin::TaRgrey::has_targrey_v1)'.
sub has_targrey_v1 { 1 }

sub set_config {
	my ($self, $conf) = @_;
	my @cmds;

=item targrey_tag_keys key ...	(default: verdict why s25r_rule tarpit_secs spf)

The keys that the tag C<_TARGREY_> shows, in this order.

=cut

	push @cmds, {
		setting => 'targrey_tag_keys',
		default => 'verdict why s25r_rule tarpit_secs spf',
		type    => $Mail::SpamAssassin::Conf::CONF_TYPE_STRING,
		code    => sub {
			my ($conf, $key, $value) = @_;
			return $Mail::SpamAssassin::Conf::MISSING_REQUIRED_VALUE
			    if $value !~ /\S/;
			for my $word (split ' ', $value) {
				return $Mail::SpamAssassin::Conf::INVALID_VALUE
				    if $word !~ /^[a-z][a-z0-9_]{0,31}$/;
			}
			$conf->{$key} = $value;
		},
	};

=back

=head1 ADMINISTRATOR SETTINGS

=over 4

=item targrey_hosts name ...	(default: none)

The hosts whose headers are believed: the C<hostname> of targrey.conf, which is
the C<id> in the header. Several names, or several lines. Empty: any host above
the trust boundary.

=cut

	push @cmds, {
		setting  => 'targrey_hosts',
		is_admin => 1,
		default  => {},
		type     => $Mail::SpamAssassin::Conf::CONF_TYPE_HASH_KEY_VALUE,
		code     => sub {
			my ($conf, $key, $value) = @_;
			return $Mail::SpamAssassin::Conf::MISSING_REQUIRED_VALUE
			    if $value !~ /\S/;
			for my $host (split ' ', $value) {
				return $Mail::SpamAssassin::Conf::INVALID_VALUE
				    if $host !~ $ID;
				$conf->{targrey_hosts}{ lc $host } = 1;
			}
		},
	};

=item targrey_below ( 0 | 1 )	(default: 0)

Also believe copies just below the Received header of the boundary, if their
C<id> is in C<targrey_hosts>. For spamass-milter and others that run before
Postfix has added its own Received header, and make one up on top of the
message. Unsafe where targrey does not see every message first, since a sender
who knows the name of your MX could then forge the header; targrey itself
removes such copies.

=cut

	push @cmds, {
		setting  => 'targrey_below',
		is_admin => 1,
		default  => 0,
		type     => $Mail::SpamAssassin::Conf::CONF_TYPE_BOOL,
	};

=item targrey_bayes ( 0 | 1 )	(default: 0)

Give Bayes a few words of the trusted header (such as C<s25r:match>). Off, since
the rules count the session and Bayes as two witnesses: TARGREY_LINE_BAYES and
TARGREY_DISCARD_OK are right only while Bayes judges nothing but the text. Switch
it on only where these rules have a score of 0. The raw headers are never given to
it.

=cut

	push @cmds, {
		setting  => 'targrey_bayes',
		is_admin => 1,
		default  => 0,
		type     => $Mail::SpamAssassin::Conf::CONF_TYPE_BOOL,
	};

=back

=cut

	$conf->{parser}->register_commands(\@cmds);
}

sub finish_parsing_end {
	my ($self, $opts) = @_;
	my $conf = $opts->{conf};
	# exact names only: Bayes knows no wildcards
	$conf->{bayes_ignore_header}{ lc $_ } = 1
	    for qw(X-TaRgrey-Session X-TaRgrey-Client X-TaRgrey-Flags
	    Received-SPF Authentication-Results);
	if ($conf->{targrey_below} && !%{ $conf->{targrey_hosts} }) {
		$conf->{parser}->lint_warn(
		    "targrey_below needs targrey_hosts, and is ignored", undef);
	}
	if (!exists $conf->{scores}{TARGREY_S25R}) {
		info("targrey: plugin loaded without its rules (70_targrey.cf)");
	}
	return 1;
}

# The X-TaRgrey fields above the boundary, just below it, and further below, each
# as [name, value] from the top.
#
# The regions are cut from the message's own header list by the number of
# Received headers above the boundary, never by get('ALL-INTERNAL'), which
# must not be called before the trust data are complete.
sub _read {
	my ($self, $msg, $conf) = @_;
	my $index = $msg->{metadata}{last_internal_relay_index} // -1;
	my (@above, @below, @outside);
	my $received = -1;
	for my $field (split /\n(?![ \t])/, $msg->get_pristine_header // '') {
		$field =~ s/\r?\n[ \t]+/ /g;
		$field =~ s/[\r\n]+\z//;
		if ($field =~ /^received[ \t]*:/i) {
			$received++;
			next;
		}
		next if $field !~ /^x-targrey-([a-z0-9\-]+)[ \t]*:[ \t]*(.*)$/is;
		my $part = [ lc $1, $2 ];
		if ($received <= $index) {
			push @above, $part;
		} elsif ($received == $index + 1) {
			push @below, $part;
		} else {
			push @outside, $part;
		}
	}
	return (\@above, \@below, \@outside);
}

# One header's value as a hash, or undef with a reason for the debug log. What
# is not a key=value of the grammar (cut, odd bytes) is skipped, as are keys
# that come a second time.
sub _parse {
	my ($value) = @_;
	return (undef, 'is not v=1') if $value !~ /^v=1;[ \t]{1,4}/;
	my %facts;
	for my $pair (split /;[ \t]{1,4}/, $value) {
		if ($pair !~ $PAIR) {
			dbg("targrey: not of the form key=value: %.40s", $pair);
			next;
		}
		$facts{$1} //= $2;
	}
	return (undef, 'has no id') if !defined $facts{id};
	return (\%facts, undef);
}

# What is trusted: words (key => value; empty when there is nothing), the value of
# X-TaRgrey-Client, and how many fields are not trusted. Made once a message.
sub _facts {
	my ($self, $msg, $conf) = @_;
	return $msg->{metadata}{targrey} if $msg->{metadata}{targrey};

	my ($above, $below, $outside) = $self->_read($msg, $conf);
	my $hosts = $conf->{targrey_hosts};
	my $found = { words => {}, client => '', forged => 0 };
	my ($session) = grep { $_->[0] eq 'session' } reverse @$above;
	my ($client)  = grep { $_->[0] eq 'client' } reverse @$above;
	my $where = 'above the boundary';
	my @foreign = (@$below, @$outside);
	if ($conf->{targrey_below} && %$hosts && @$below) {
		my ($lower) = grep { $_->[0] eq 'session' } @$below;
		my ($words) = $lower ? _parse($lower->[1]) : ();
		if ($words && $hosts->{ lc $words->{id} }) {
			($session, $where) = ($lower, 'below the boundary, by its id');
			($client) = grep { $_->[0] eq 'client' } @$below;
			my %seen;
			@foreign = ((grep { $seen{ $_->[0] }++ } @$below), @$outside);
		}
	}
	$found->{forged} = @foreign;
	if ($session) {
		my ($words, $why) = _parse($session->[1]);
		if ($words && %$hosts && !$hosts->{ lc $words->{id} }) {
			($words, $why) = (undef, "is of $words->{id}, not in targrey_hosts");
		}
		if ($words) {
			$found->{words} = $words;
			$found->{client} = $client ? $client->[1] : '';
			dbg("targrey: header of %s, %s", $words->{id}, $where);
		} else {
			dbg("targrey: header %s %s: ignored", $where, $why);
		}
	} else {
		dbg("targrey: no trusted header");
	}
	dbg("targrey: %d untrusted header(s)", $found->{forged}) if $found->{forged};
	$msg->{metadata}{targrey} = $found;
	return $found;
}

# Runs for scans and for sa-learn, after the Received headers are parsed.
sub extract_metadata {
	my ($self, $opts) = @_;
	my $conf = $self->{main}{conf};
	my $msg = $opts->{msg};
	my $words = $self->_facts($msg, $conf)->{words};
	return 1 if !$conf->{targrey_bayes} || !%$words;
	my @list = map { "$_:$words->{$_}" }
	    grep { defined $words->{$_} && $words->{$_} ne 'none' } @BAYES_KEYS;
	$msg->put_metadata('X-TaRgrey-Words', join ' ', @list) if @list;
	return 1;
}

sub parsed_metadata {
	my ($self, $opts) = @_;
	my $pms = $opts->{permsgstatus};
	my $words = $self->_facts($pms->get_message, $pms->{conf})->{words};
	my @shown = map { "$_=" . ($words->{$_} // 'unknown') }
	    split ' ', $pms->{conf}{targrey_tag_keys};
	$pms->set_tag('TARGREY', %$words ? join(' ', @shown) : 'none');
	$pms->set_tag('TARGREYID', $words->{id} // 'none');
	$pms->set_tag('TARGREYSID', $words->{sid} // 'none');
	return 1;
}

=head1 RULES

=over 4

=item header NAME eval:check_targrey('key', 'value')

Hits when the trusted header has this key with this value. Several values are
separated by C<|>.

=cut

sub check_targrey {
	my ($self, $pms, $key, $values) = @_;
	my $word = $self->_facts($pms->get_message, $pms->{conf})->{words}{$key};
	return 0 if !defined $word || !defined $values;
	return scalar(grep { $word eq $_ } split /\|/, $values, -1) ? 1 : 0;
}

=item header NAME eval:check_targrey_num('key', min [, max])

Hits when the key's value is a plain number from min to max.

=cut

sub check_targrey_num {
	my ($self, $pms, $key, $min, $max) = @_;
	my $word = $self->_facts($pms->get_message, $pms->{conf})->{words}{$key};
	return 0 if !defined $word || $word !~ /^[0-9]{1,15}$/;
	return 0 if defined $min && $word < $min;
	return 0 if defined $max && $word > $max;
	return 1;
}

=item header NAME eval:check_targrey_listed()

Hits when a DNS list of targrey.conf knew the client.

=cut

sub check_targrey_listed {
	my ($self, $pms) = @_;
	my $word = $self->_facts($pms->get_message, $pms->{conf})->{words}{dnsbl};
	return defined $word && $word ne 'none' && $word ne '-' ? 1 : 0;
}

=item header NAME eval:check_targrey_forged()

Hits when there are X-TaRgrey headers that are not trusted by their place.

=back

=cut

sub check_targrey_forged {
	my ($self, $pms) = @_;
	return $self->_facts($pms->get_message, $pms->{conf})->{forged} ? 1 : 0;
}

=head1 TAGS

C<_TARGREY_> (see C<targrey_tag_keys>), C<_TARGREYID_> the host that wrote the
header, C<_TARGREYSID_> the number of the session, as in targrey's log. Each is
C<none> without a trusted header. Use them in C<add_header>, C<report> and so on.

=head1 BAYES

The headers that targrey writes are ignored by Bayes, forged ones too: X-TaRgrey-*,
Received-SPF and Authentication-Results. With C<targrey_bayes 1> words of the trusted
one (rdns, s25r, s25r_rule, tarpit, grey, early, helo, helo_dns, from, spf, pipe, tls;
none that is C<none>) are learned as C<X-TaRgrey-Words>.

=head1 DEBUGGING

C<spamassassin -D targrey> says which header was taken, or why none was.

=head1 SEE ALSO

F<docs/spamassassin.md>, F<docs/headers.md> and F<rules/README.md> of targrey.

=cut

1;
