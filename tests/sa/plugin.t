#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The plugin by its API: settings, trust by host, copies below the boundary,
# tags, Bayes words, and what lint says of mistakes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Scan;
use Test::More;

my $TRY = <<'CF';
header  T_WORD   eval:check_targrey('s25r', 'match')
header  T_EITHER eval:check_targrey('spf', 'fail|softfail')
header  T_NONE   eval:check_targrey('nokey', 'x')
header  T_MIN    eval:check_targrey_num('seen', 10)
header  T_RANGE  eval:check_targrey_num('seen', 10, 20)
header  T_LAST   ALL-INTERNAL =~ /^X-TaRgrey-Session:.*ham=9/m
if can(Mail::SpamAssassin::Plugin::TaRgrey::has_targrey_v1)
header  T_CAN    Subject =~ /./
endif
if can(Mail::SpamAssassin::Plugin::TaRgrey::has_targrey_v9)
header  T_CANNOT eval:no_such_thing()
endif
CF

sub scan { Scan->new(plugin => 1, cf => $TRY . join('', @_)) }
sub has { join ' ', sort grep { /^T_[A-Z]+$/ } keys %{ $_[0]->{hits} } }

my $plain = scan();
my ($issues, $said) = $plain->lint;
is($issues, 0, 'lint is clean') or diag $said;

my $genuine = Scan::session(s25r => 'match', seen => 15, spf => 'softfail');
my $result = $plain->check(Scan::mail(above => $genuine));
is(has($result), 'T_CAN T_EITHER T_MIN T_RANGE T_WORD', 'words, alternatives, ranges');
is($result->{tags}{TARGREY}, 'verdict=pass why=none s25r_rule=- tarpit_secs=0 spf=softfail', 'tag of facts');
is($result->{tags}{TARGREYID}, 'mx.example.jp', 'tag of the host');
is($result->{tags}{TARGREYSID}, '4f2a9c01b7', 'tag of the session');
is($result->{words}, undef, 'no word of the session for Bayes');
my $told = scan("targrey_bayes 1\n");
is($told->check(Scan::mail(above => $genuine))->{words}, 'rdns:pass s25r:match s25r_rule:- early:no helo:fqdn helo_dns:match from:ok spf:softfail pipe:no tls:yes',
    '... unless asked for: a few, without names, counters and none');

$result = $plain->check(Scan::mail(above => Scan::session(seen => 21)));
is(has($result), 'T_CAN T_MIN', 'above the range');
$result = $plain->check(Scan::mail(below => Scan::session(ham => 9, s25r => 'match')));
is(has($result), 'T_CAN', 'a forged copy alone gives nothing');
is($result->{tags}{TARGREY}, 'none', 'nor a tag');
is($told->check(Scan::mail(below => Scan::session(ham => 9)))->{words}, undef, 'nor a word for Bayes, if asked for');
ok($result->{hits}{TARGREY_FORGED}, 'but is told of');
ok(!$result->{hits}{T_LAST}, 'and does not poison ALL-INTERNAL for others');

# Bayes reads the message's headers beside the metadata.
$result = $plain->check(Scan::mail(above => $genuine, below => "X-TaRgrey-Words: s25r:none\n"));
ok($result->{hits}{TARGREY_FORGED}, 'a forged header of Bayes words is told of');
my $ignored = $plain->ignored;
ok($ignored->{lc $_}, "Bayes never reads $_")
    for qw(X-TaRgrey-Session X-TaRgrey-Client X-TaRgrey-Flags Received-SPF Authentication-Results);
my $bare = Scan->new;
$bare->lint;
$ignored = $bare->ignored;
ok($ignored->{lc $_}, "... without the plugin, too: $_")
    for qw(X-TaRgrey-Session X-TaRgrey-Client X-TaRgrey-Flags Received-SPF Authentication-Results);

# Which host may speak.
my $strict = scan("targrey_hosts mx1.example.jp\ntargrey_hosts MX2.example.jp other.example\n");
$result = $strict->check(Scan::mail(above => $genuine));
is(has($result), 'T_CAN', 'a header of a host not in targrey_hosts has no facts');
$result = $strict->check(Scan::mail(above => Scan::session(id => 'mx2.example.jp', s25r => 'match')));
is(has($result), 'T_CAN T_WORD', 'one that is listed has, letter case apart');
$result = $strict->check(Scan::mail(above =>
    Scan::session(id => 'mx1.example.jp', s25r => 'match')
    . Scan::received(ip => '10.0.0.1') . $genuine));
is(has($result), 'T_CAN', 'and no copy further up speaks instead');

# spamass-milter: a made-up Received on top, ours below it.
my %below = (boundary => Scan::received(), below => $genuine);
is(has($plain->check(Scan::mail(%below))), 'T_CAN', 'below the boundary: not read');
my $lower = scan("targrey_hosts mx.example.jp\ntargrey_below 1\n");
$result = $lower->check(Scan::mail(%below));
is(has($result), 'T_CAN T_EITHER T_MIN T_RANGE T_WORD', 'with targrey_below: read');
ok(!$result->{hits}{TARGREY_FORGED}, 'and not called forged');
$result = $lower->check(Scan::mail(below => Scan::session(id => 'mx.evil.example', s25r => 'match')));
is(has($result), 'T_CAN', 'of an unknown host: not read');
ok($result->{hits}{TARGREY_FORGED}, 'and called forged');
$result = $lower->check(Scan::mail(%below, below => Scan::received(ip => '203.0.113.5') . $genuine));
is(has($result), 'T_CAN', 'below the next Received: not read');
$result = $lower->check(Scan::mail(below => $genuine . Scan::session(ham => 9)));
is(has($result), 'T_CAN T_EITHER T_MIN T_RANGE T_WORD', 'two of them: the upper one counts');
ok($result->{hits}{TARGREY_FORGED}, 'and the lower one is called forged');

# The rules alone, the plugin alone.
($issues, $said) = Scan->new(plugin => 1, rules => 0)->lint;
is($issues, 0, 'plugin without rules: lint is clean') or diag $said;
($issues, $said) = Scan->new(plugin => 0)->lint;
is($issues, 0, 'rules without plugin: lint is clean') or diag $said;

# Mistakes, all in one file: the message names the line and the file.
my @mistakes = ('targrey_hosts', 'targrey_hosts mx_1!', 'targrey_below maybe', 'targrey_bayes 7',
    'targrey_tag_keys UPPER', 'targrey_tag_keys', 'targrey_host mx1');
($issues, $said) = Scan->new(plugin => 1, cf => join '', map { "$_\n" } @mistakes,
    "header T_BAD eval:check_targery('a','b')")->lint;
is($issues, @mistakes + 1, 'lint counts each mistake') or diag $said;
for my $number (0 .. $#mistakes) {
	my $line = $number + 3; # below two of the test's own
	like($said, qr/90_test\.cf \(line $line\): \Q$mistakes[$number]\E$/m,
	    "lint names the line and its file: $mistakes[$number]");
}
like($said, qr/check_targery.*T_BAD|T_BAD.*check_targery/, '... and a rule that calls what is not there');
($issues, $said) = Scan->new(plugin => 1, cf => "targrey_below 1\n")->lint;
like($said, qr/targrey_below needs targrey_hosts/, 'targrey_below without targrey_hosts is refused');
ok($issues > 0, '... by lint');
($issues, $said) = Scan->new(plugin => 0, cf => "targrey_hosts a.example\n")->lint;
ok($issues > 0, 'settings without the plugin: lint refuses them');

done_testing;
