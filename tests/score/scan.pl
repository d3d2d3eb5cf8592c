#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs SpamAssassin on many messages in one process, without network, and
# prints one line per message: name, score, hits as NAME=POINTS joined by blanks.
#
# usage: scan.pl --site DIR [--state DIR] [--bayes] [--net] [--subtests]
#                [--learn spam|ham] [--rules DIR] < FILE-NAMES
#
# --site      folder with *.pre and *.cf, read instead of /etc/spamassassin
# --state     folder for Bayes; a new one is made without it
# --bayes     use (never change) the Bayes database in the state folder
# --net       rules for the network run, too, but DNS is not asked: SPF is what
#             Received-SPF says, and the site may have stand-ins for lists
# --learn     teach the messages to Bayes instead of scoring them
# --rules     folder instead of the one with the stock rules
# --subtests  name the sub-rules that hit, too, as NAME=0
use strict;
use warnings;
use File::Temp qw(tempdir);
use Getopt::Long;
use Mail::SpamAssassin;

my %opt;
GetOptions(\%opt, 'site=s', 'state=s', 'bayes', 'net', 'subtests', 'learn=s', 'rules=s')
    or die "usage: scan.pl --site DIR ...\n";
die "scan.pl: --site is needed\n" unless $opt{site};
my $state = $opt{state} // tempdir(CLEANUP => 1);
my $bayes = $opt{bayes} || $opt{learn} ? 1 : 0;

my $sa = Mail::SpamAssassin->new({
    site_rules_filename => $opt{site},
    ($opt{rules} ? (rules_filename => $opt{rules}) : ()),
    userprefs_filename  => '/dev/null',
    userstate_dir       => $state,
    home_dir_for_helpers => $state,
    local_tests_only    => $opt{net} ? 0 : 1,
    dont_copy_prefs     => 1,
    require_rules       => $opt{rules} ? 0 : 1,
    post_config_text    => "use_bayes $bayes\nbayes_path $state/bayes\n"
        . "bayes_auto_learn 0\ndns_available no\nuse_auto_welcomelist 0\nreport_safe 0\n",
});
$sa->init_learner({ caller_will_untie => 1 }) if $opt{learn};
$sa->init(1);

$| = 1;
while (my $file = <STDIN>) {
	chomp $file;
	open(my $in, '<:raw', $file) or die "scan.pl: $file: $!\n";
	my @lines = <$in>;
	close $in;
	my $mail = $sa->parse(\@lines, 1);
	if ($opt{learn}) {
		$sa->learn($mail, undef, $opt{learn} eq 'spam' ? 1 : 0, 0)->finish;
		$mail->finish;
		next;
	}
	my $status = $sa->check($mail);
	my @hits = map { sprintf '%s=%s', $_, $status->{conf}{scores}{$_} }
	    @{ $status->{test_names_hit} };
	push @hits, map { "$_=0" } split /,/, $status->get_names_of_subtests_hit('')
	    if $opt{subtests};
	printf "%s\t%.3f\t%s\n", $file, $status->get_score, join(' ', sort @hits);
	$status->finish;
	$mail->finish;
}
$sa->rebuild_learner_caches({}) if $opt{learn};
$sa->finish_learner if $opt{learn};
$sa->finish;
