# SPDX-License-Identifier: BSD-2-Clause
package Scan;
#
# SpamAssassin by its API, with our rules, with or without our plugin, on
# messages made of parts. Touches no configuration of the host.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Handle;
use Mail::SpamAssassin;
use POSIX ();
use Socket;
use Storable qw(fd_retrieve store_fd);

our $TOP = abs_path(dirname(__FILE__) . '/../../..');

# Facts of an honest server, in the order of the header.
my @KEYS = qw(id sid mode verdict why would rdns s25r s25r_rule tarpit
    tarpit_secs grey grey_tries grey_secs early age seen passed gaveup
    gaveup_secs ham spam rcpt_refused helo helo_dns from spf spf_helo pipe tls
    local forged fault);
my %HONEST = (
	id => 'mx.example.jp', sid => '4f2a9c01b7', mode => 'targrey',
	verdict => 'pass', why => 'none', would => 'none', rdns => 'pass',
	s25r => 'none', s25r_rule => '-', tarpit => 'none', tarpit_secs => 0,
	grey => 'none', grey_tries => 0, grey_secs => 0, early => 'no', age => 0,
	seen => 0, passed => 0, gaveup => 0, gaveup_secs => 0, ham => 0,
	spam => 0, rcpt_refused => 0, helo => 'fqdn', helo_dns => 'match',
	from => 'ok', spf => 'none', spf_helo => 'none', pipe => 'no',
	tls => 'yes', local => 'none', forged => 0, fault => 'none',
);

# session(s25r => 'match', ...): the header line; v => 2 for another version,
# other keys than known ones go to the end.
sub session {
	my (%change) = @_;
	my $v = delete $change{v} // 1;
	my %words = (%HONEST, %change);
	my @more = grep { !exists $HONEST{$_} } sort keys %change;
	return "X-TaRgrey-Session: v=$v; "
	    . join('; ', map { "$_=$words{$_}" } @KEYS, @more) . "\n";
}

# A Received line as our Postfix writes it.
sub received {
	my (%is) = (helo => 'mail.example.net', name => 'mail.example.net',
	    ip => '198.51.100.7', by => 'mx.example.jp', @_);
	return "Received: from $is{helo} ($is{name} [$is{ip}])\n"
	    . "\tby $is{by} (Postfix) with ESMTP id 4ABCDEF012\n"
	    . "\tfor <you\@example.jp>; Mon, 05 Jan 2026 10:00:02 +0000 (UTC)\n";
}

# mail(above => text, boundary => text, below => text, env, from, to, subject,
# headers, body)
sub mail {
	my (%is) = (above => '', boundary => received(), below => '', @_);
	my $from = $is{from} // '"Anna Bell" <anna@example.net>';
	my $subject = $is{subject} // 'the minutes of our meeting';
	my $more = $is{headers} // '';
	my $env = $is{env} // 'anna@example.net';
	my $to = $is{to} // '"You" <you@example.jp>';
	my $body = $is{body}
	    // "Dear colleague,\n\nhere are the minutes that you asked for.\n\nAnna\n";
	return "Return-Path: <$env>\n$is{above}$is{boundary}$is{below}"
	    . "From: $from\nTo: $to\nSubject: $subject\n"
	    . "Date: Mon, 05 Jan 2026 10:00:00 +0000\n"
	    . "Message-ID: <20260105100000.1234\@mail.example.net>\n$more\n$body";
}

# new(plugin => 1, cf => 'more settings', rules => 0, stock => 0, pre => text)
sub new {
	my ($class, %opt) = @_;
	my $dir = tempdir(CLEANUP => 1);
	mkdir "$dir/$_" for qw(site state empty);
	copy($_, "$dir/site/") or die "$_: $!" for glob '/etc/spamassassin/*.pre';
	if ($opt{rules} // 1) {
		copy("$TOP/rules/70_targrey.cf", "$dir/site/") or die $!;
	}
	write_file("$dir/site/targrey.pre",
	    "loadplugin Mail::SpamAssassin::Plugin::TaRgrey $TOP/sa-plugin/TaRgrey.pm\n")
	    if $opt{plugin};
	# Addresses of documents are nobody's; here they are clients.
	write_file("$dir/site/90_test.cf",
	    "score RCVD_ILLEGAL_IP 0\nuse_bayes 0\n" . ($opt{cf} // ''));
	my %start = (
	    ($opt{stock} // 1) ? () : (rules_filename => "$dir/empty"),
	    site_rules_filename => "$dir/site",
	    userprefs_filename  => '/dev/null',
	    userstate_dir       => "$dir/state",
	    home_dir_for_helpers => "$dir/state",
	    local_tests_only    => 1,
	    dont_copy_prefs     => 1,
	);
	my $self = bless { dir => $dir }, $class;
	$self->serve(\%start);
	return $self;
}

# A process of its own: two SpamAssassin objects in one share compiled rules. It
# must not keep the lines to its elders open: they end when theirs is closed.
my %lines;

sub serve {
	my ($self, $start) = @_;
	socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die $!;
	$self->{pid} = fork // die "fork: $!";
	if ($self->{pid}) {
		$self->{line} = $lines{ $self->{pid} } = $ours;
		return;
	}
	close $_ for $ours, values %lines;
	my $sa = Mail::SpamAssassin->new($start);
	my %do = (lint => \&lint_it, check => \&check_it, ignored => \&ignored_it);
	while (my $asked = eval { fd_retrieve($theirs) }) {
		my ($what, @with) = @$asked;
		store_fd([ $do{$what}->($sa, @with) ], $theirs);
		$theirs->flush;
	}
	POSIX::_exit(0);
}

sub ask {
	my ($self, @words) = @_;
	store_fd(\@words, $self->{line});
	$self->{line}->flush;
	return @{ fd_retrieve($self->{line}) };
}

sub lint { my ($self) = @_; return $self->ask('lint') }
sub check { my ($self, $text) = @_; return ($self->ask('check', $text))[0] }
sub ignored { my ($self) = @_; return ($self->ask('ignored'))[0] }

sub DESTROY {
	my ($self) = @_;
	local $?;
	delete $lines{ $self->{pid} } if $self->{pid};
	close $self->{line} if $self->{line};
	waitpid $self->{pid}, 0 if $self->{pid};
}

sub write_file {
	my ($path, $text) = @_;
	open(my $out, '>', $path) or die "$path: $!";
	print $out $text;
	close $out or die "$path: $!";
}

# Number of issues that lint finds, and their texts.
sub lint_it {
	my ($sa) = @_;
	my @said;
	local $SIG{__WARN__} = sub { push @said, @_ };
	my $issues = $sa->lint_rules;
	return ($issues, join '', @said);
}

# { hits => { NAME => points }, facts => [sub-rules of ours], score => n, tags }
sub check_it {
	my ($sa, $text) = @_;
	my @lines = split /^/m, $text;
	my $mail = $sa->parse(\@lines, 1);
	my $status = $sa->check($mail);
	my %facts = map { $_ => 1 } grep { s/^__TARGREY_// }
	    split /,/, $status->get_names_of_subtests_hit('');
	my %result = (
		score => $status->get_score,
		hits => { map { $_ => $status->{conf}{scores}{$_} }
		    @{ $status->{test_names_hit} } },
		facts => \%facts,
		tags => { map { $_ => scalar $status->get_tag($_) }
		    qw(TARGREY TARGREYID TARGREYSID) },
		words => scalar($mail->get_metadata('X-TaRgrey-Words')),
		internal => scalar($status->get('ALL-INTERNAL')),
	);
	$status->finish;
	$mail->finish;
	return \%result;
}

# The headers that Bayes does not read.
sub ignored_it {
	my ($sa) = @_;
	return $sa->{conf}{bayes_ignore_header};
}

# Names of our scored rules that hit, in order.
sub ours {
	my ($result) = @_;
	return join ' ', sort grep { /^TARGREY_/ } keys %{ $result->{hits} };
}

1;
