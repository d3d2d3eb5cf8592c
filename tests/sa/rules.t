#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What the scored rules promise: the form of every rule, what each one says of
# the messages in lib/Cases.pm, and that session facts alone stay low.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Cases;
use Rules;
use Scan;
use Test::More;

# ---- form -------------------------------------------------------------------
my $file = Rules::read_file("$Scan::TOP/rules/70_targrey.cf");
my ($rule, $describe, $score, $tflags) = @$file{qw(kind describe score tflags)};
my @scored = sort grep { !/^__/ } keys %$rule;
cmp_ok(scalar @scored, '>=', 20, 'there are rules');
for my $name (@scored) {
	my @bad;
	push @bad, 'name' if $name !~ /^TARGREY_[A-Z0-9_]{1,14}$/;
	push @bad, 'describe' if length($describe->{$name} // '') < 10
	    || length $describe->{$name} > 50;
	push @bad, 'score' if ($score->{$name} // '') !~ /^-?[\d.]+(?: -?[\d.]+ -?[\d.]+ -?[\d.]+)?$/;
	push @bad, 'noautolearn' if ($tflags->{$name} // '') !~ /\bnoautolearn\b/;
	push @bad, 'nice' if ($score->{$name} =~ /^-/) != ($tflags->{$name} =~ /\bnice\b/);
	is("@bad", '', "$name: name, describe, score, tflags");
}
is(join(' ', grep { !$rule->{$_} } map { keys %$_ } $describe, $score, $tflags), '',
    'nothing is described or scored that is no rule');
open(my $in, '<', "$Scan::TOP/rules/README.md") or die $!;
my $manual = do { local $/; <$in> };
close $in;
is(join(' ', grep { $manual !~ /`\Q$_\E`/ } @scored), '', 'rules/README.md explains every rule');
for my $name (@scored) {
	my ($told) = $manual =~ /^\| `\Q$name\E` \| ([^|]*?) \|/m;
	is($told, $score->{$name}, "rules/README.md has the score of $name");
}
# A meta takes a name that is none for 0, and never says so.
my %stock = map { $_ => 1 } map { do { local (@ARGV, $/) = $_; <> } =~ /^\s*(?:header|meta|body|rawbody|uri|full|score)\s+(\w+)/mg }
    glob '/usr/share/spamassassin/*.cf';
for my $name (sort keys %{ $file->{meta} }) {
	my @none = grep { !$rule->{$_} && !$stock{$_} } Rules::parts($file->{meta}{$name});
	is("@none", '', "$name names rules that there are");
}

# ---- the cases ----------------------------------------------------------------
# Each rule may hit, whatever score set the API is in.
my $scores = join '', map { "score $_ 0.5\n" } grep { $score->{$_} =~ /(?:^| )0(?: |$)/ } @scored;
my $any = Scan->new(cf => $Cases::STANDINS . $scores);
my ($issues, $said) = $any->lint;
is($issues, 0, 'lint is clean with stand-ins') or diag $said;
my %metas = map { $_ => Rules::compiled($file->{meta}{$_}) } keys %{ $file->{meta} };
my (%hits, %misses);
for my $case (@Cases::CASES) {
	my $result = $any->check(Cases::message($case));
	my %ours = map { $_ => 1 } grep { /^TARGREY_/ } keys %{ $result->{hits} };
	is(join(' ', Cases::differences($case, \%ours, $result->{facts})), '', $case->[0]);
	$hits{$_}++ for keys %ours, map { "__TARGREY_$_" } split ' ', $case->[4];
	$misses{$_}++ for (map { "__TARGREY_$_" } split ' ', $case->[5]), grep { !$ours{$_} } @scored;
	# What mutants computes is what SpamAssassin says.
	my %found = map { $_ => 1 } keys %{ $result->{hits} }, map { "__TARGREY_$_" } keys %{ $result->{facts} };
	my $value = Rules::compute(\%metas, { map { $_ => 1 } grep { !$metas{$_} } keys %found });
	is(join(' ', grep { !$value->{$_} != !$found{$_} } sort keys %metas), '', "$case->[0]: computed alike");
}
for my $name (@{ $file->{names} }) {
	ok($hits{$name}, "$name: a message is said to hit it");
	ok($misses{$name}, "$name: a message is said not to hit it");
}

# ---- session facts alone, with the scores as they are ---------------------------
my $sa = Scan->new;
sub scan {
	my ($facts, %mail) = @_;
	my %is = ref $facts ? (above => Scan::session(%$facts)) : ();
	return $sa->check(Scan::mail(%is, %mail));
}
sub points {
	my ($result) = @_;
	my $sum = 0;
	$sum += $result->{hits}{$_} for grep { /^TARGREY_/ } keys %{ $result->{hits} };
	return $sum;
}
sub boundary { return boundary => Scan::received(@_) }

my %WORST = (s25r => 'match', s25r_rule => 1, early => 'yes', pipe => 'yes',
    gaveup => 9, gaveup_secs => 20, rcpt_refused => 50, helo => 'ours',
    helo_dns => 'none', from => 'ours', spf => 'fail', spf_helo => 'fail',
    spam => 20, seen => 99, age => 3, forged => 4, tarpit => 'endured',
    tarpit_secs => 125, dnsbl => 'zen', local => 'bad', net_spam => 99, org_spam => 99,
    net_ham => 0, org_ham => 0, new => 'address,network,organisation,sender');
my $most = 0;
for my $rdns (qw(pass mismatch none)) {
	my $rule = $rdns eq 'pass' ? 1 : 0;
	for my $name ($rdns eq 'pass' ? 'mail.example.net' : 'unknown', 'p7-dyn100.example.net',
	    '198-51-100-7.dsl.example.net') {
		next if $rdns ne 'pass' && $name ne 'unknown';
		for my $helo ($name, 'mx.example.jp') {
			my $result = scan({ %WORST, rdns => $rdns, s25r_rule => $rule },
			    boundary(name => $name, helo => $helo));
			cmp_ok(points($result), '<', 5,
			    "every bad fact at once ($rdns, $name, HELO $helo): our points");
			$most = points($result) if points($result) > $most;
		}
	}
}
cmp_ok($most, '>', 3, 'the sum that is claimed is reached');
for my $helo ('mail.example.org', 'mx.example.jp') {
	for my $name ('unknown', 'p7-dyn100.example.net') {
		my $result = scan({ %WORST, rdns => $name eq 'unknown' ? 'none' : 'pass', spam => 0 },
		    boundary(name => $name, helo => $helo));
		cmp_ok($result->{score}, '<', 5,
		    "... and with what stock rules give for $name and HELO $helo");
	}
}
my $neutral = scan({});
is(Scan::ours($neutral), '', 'an honest server: nothing of ours hits');
is(Scan::ours(scan(undef)), '', 'exempt mail has no headers, and no rule scores that');


# What a good first mail may show by accident or by nature stays cheap.
my %none = boundary(name => 'unknown');
my %small = (s25r => 'match', s25r_rule => 0, rdns => 'none', spf => 'softfail', helo_dns => 'none');
cmp_ok(points(scan({%small}, %none)), '<', 0.5, 'no name, and SPF softfail');
cmp_ok(points(scan({ %small, helo => 'bare' }, boundary(name => 'unknown', helo => 'friend'))), '<', 0.5, '... and a bare HELO');
cmp_ok(points(scan({ %small, helo => 'ip', from => 'self', early => 'yes' }, %none,
    body => "Act now, and save over \$50.\n")), '<=', 1.5, '... an address as HELO, our sender, too early, a sign');
is(points(scan({ s25r => 'match' }, boundary(name => 'p7x9.example.net', helo => 'p7x9.example.net'))), 0.2,
    'a machine-made name');
my $copy = scan(undef, below => Scan::session(ham => 99, passed => 99, spf => 'pass'));
is(Scan::ours($copy), 'TARGREY_FORGED', 'a forged good record buys nothing');
is(Scan::ours(scan(undef)), '', 'mail without headers: no rule scores that');

done_testing;
