# SPDX-License-Identifier: BSD-2-Clause
package Rules;
#
# The rules file read as data, and its metas computed from the facts that
# SpamAssassin found: so that a changed meta can be tried in no time. rules.t
# and mutants hold this against what SpamAssassin itself says.
use strict;
use warnings;

# read_file(path): kind, definition, describe, score, tflags by name; names in
# order. Of a fact that is written twice (with and without the plugin) the
# plain form.
sub read_file {
	my ($path) = @_;
	open(my $in, '<', $path) or die "$path: $!";
	my %is = map { $_ => {} } qw(kind meta describe score tflags);
	while (<$in>) {
		if (/^(header|meta|body|rawbody|uri|full)\s+(\w+)\s+(.*\S)/) {
			push @{ $is{names} }, $2 if !$is{kind}{$2};
			$is{kind}{$2} //= $1;
			$is{meta}{$2} = $3 if $1 eq 'meta';
		}
		$is{$1}{$2} = $3 if /^(describe|score|tflags)\s+(\w+)\s+(.*\S)/;
	}
	return \%is;
}

# The names in a meta, each once, in order.
sub parts {
	my ($meta) = @_;
	my %seen;
	return grep { !$seen{$_}++ } $meta =~ /\b([A-Z_][A-Z0-9_]+)\b/g;
}

# compute(metas, facts): every meta's value; facts are the names that hit.
sub compute {
	my ($metas, $facts) = @_;
	my %value;
	my $of;
	$of = sub {
		my ($name) = @_;
		return $value{$name} //= ref $metas->{$name} ? $metas->{$name}->($of)
		    : $facts->{$name} ? 1 : 0;
	};
	$of->($_) for keys %$metas;
	return \%value;
}

# A meta as a function of a function that tells a name's value.
sub compiled {
	my ($meta) = @_;
	my $code = $meta =~ s/\b([A-Z_][A-Z0-9_]+)\b/\$_[0]->('$1')/gr;
	my $function = eval "sub { (($code) || 0) + 0 }";
	die "$meta: $@" if $@;
	return $function;
}

1;
