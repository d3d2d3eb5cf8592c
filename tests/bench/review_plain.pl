#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# The plain way: reads every header of a Maildir, sorts by the distance from the
# mark, shows 50. usage: review_plain.pl MARK FOLDER
use strict;
use warnings;
use Encode qw(decode);
binmode STDOUT, ':encoding(UTF-8)';
my ($mark, $folder) = @ARGV;
my @mails;
for my $part ('new', 'cur') {
    opendir my $dir, "$folder/$part" or die "$folder/$part: $!";
    for my $name (readdir $dir) {
        next if $name =~ /^\./;
        open my $file, '<', "$folder/$part/$name" or next;
        local $/ = '';
        my $head = <$file> // '';
        $head =~ s/\n[ \t]+/ /g;
        my ($score) = $head =~ /^X-Spam-Score:\s*(-?[\d.]+)/mi;
        my ($from) = $head =~ /^From:\s*(.*)/mi;
        my ($subject) = $head =~ /^Subject:\s*(.*)/mi;
        push @mails, [$score, $from, $subject, $name] if defined $score;
    }
}
@mails = sort { abs($a->[0] - $mark) <=> abs($b->[0] - $mark) } @mails;
for my $mail (grep { defined } @mails[0 .. 49]) {
    printf "%7.2f  %-40s %s\n", $mail->[0], decode('MIME-Header', $mail->[1]), decode('MIME-Header', $mail->[2]);
}
