<?xml version="1.0" encoding="UTF-8"?>
<!-- Surat biasa as the text of a mail. One line of output is one line of thought: the gateway wraps it at 76 columns, and a tab marks
     the column under which a wrapped line goes on. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:l="urn:mtagw:letter:1"
                exclude-result-prefixes="l">
  <xsl:import href="common.xsl"/>
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:strip-space elements="*"/>
  <xsl:preserve-space elements="l:p l:td l:strong l:em"/>

  <xsl:variable name="nl" select="'&#10;'"/>
  <xsl:variable name="tab" select="'&#9;'"/>
  <xsl:variable name="right" select="'                                    '"/>
  <xsl:variable name="rule" select="'----------------------------------------------------------------------------'"/>

  <xsl:template match="/l:letter">
    <xsl:call-template name="check-capacity"/>
    <xsl:for-each select="l:from/l:letterhead/l:line[. != '']"><xsl:value-of select="concat(normalize-space(.), $nl)"/></xsl:for-each>
    <xsl:value-of select="concat($rule, $nl, $nl, $right, $from/l:place, ', ')"/>
    <xsl:call-template name="date"/>
    <xsl:value-of select="concat($nl, $nl, 'Nomor    : ', $tab, l:number, $nl, 'Sifat    : ', $tab)"/>
    <xsl:call-template name="sifat"/>
    <xsl:value-of select="concat($nl, 'Lampiran : ', $tab)"/>
    <xsl:call-template name="lampiran"/>
    <xsl:value-of select="concat($nl, 'Hal      : ', $tab, normalize-space(l:subject), $nl, $nl)"/>
    <xsl:call-template name="addressees"/>
    <xsl:value-of select="$nl"/>
    <xsl:apply-templates select="l:body/*"/>
    <xsl:value-of select="$nl"/>
    <xsl:call-template name="signature"/>
    <xsl:call-template name="copies"/>
    <xsl:call-template name="address-list"/>
    <xsl:call-template name="enclosures"/>
    <xsl:call-template name="foot"/>
  </xsl:template>

  <xsl:template name="addressees">
    <xsl:choose>
      <xsl:when test="$listed"><xsl:value-of select="concat('Yth. ', $tab, 'Daftar Terlampir', $nl)"/></xsl:when>
      <xsl:when test="count($main) = 1"><xsl:value-of select="concat('Yth. ', $tab, normalize-space($main/l:name), $nl)"/></xsl:when>
      <xsl:otherwise>
        <xsl:for-each select="$main">
          <xsl:if test="position() = 1">Yth. </xsl:if>
          <xsl:if test="position() != 1"><xsl:value-of select="'     '"/></xsl:if>
          <xsl:value-of select="concat(position(), '. ', $tab, normalize-space(l:name), $nl)"/>
        </xsl:for-each>
      </xsl:otherwise>
    </xsl:choose>
    <xsl:if test="$main">
      <xsl:value-of select="concat('di -', $nl, '     ')"/>
      <xsl:call-template name="place"/>
      <xsl:value-of select="$nl"/>
    </xsl:if>
  </xsl:template>

  <!-- Body -->
  <xsl:template match="l:body/l:p">
    <xsl:apply-templates/>
    <xsl:value-of select="$nl"/>
    <xsl:if test="following-sibling::*"><xsl:value-of select="$nl"/></xsl:if>
  </xsl:template>
  <xsl:template match="l:body/l:ol | l:body/l:ul | l:body/l:table">
    <xsl:apply-templates/>
    <xsl:if test="following-sibling::*"><xsl:value-of select="$nl"/></xsl:if>
  </xsl:template>
  <xsl:template match="l:li">
    <xsl:variable name="indent"><xsl:for-each select="ancestor::l:li"><xsl:text>   </xsl:text></xsl:for-each></xsl:variable>
    <xsl:for-each select="*">
      <xsl:choose>
        <xsl:when test="self::l:p and not(preceding-sibling::*)">
          <xsl:value-of select="$indent"/>
          <xsl:for-each select=".."><xsl:choose>
            <xsl:when test="parent::l:ul">- </xsl:when>
            <xsl:otherwise><xsl:call-template name="point"/><xsl:text> </xsl:text></xsl:otherwise>
          </xsl:choose></xsl:for-each>
          <xsl:value-of select="$tab"/>
          <xsl:apply-templates/>
          <xsl:value-of select="$nl"/>
        </xsl:when>
        <xsl:when test="self::l:p">
          <xsl:value-of select="concat($indent, '   ', $tab)"/>
          <xsl:apply-templates/>
          <xsl:value-of select="$nl"/>
        </xsl:when>
        <xsl:otherwise><xsl:apply-templates select="."/></xsl:otherwise>
      </xsl:choose>
    </xsl:for-each>
  </xsl:template>
  <!-- Rows: labels padded to the longest one of the table (columns of 30 at most, as the writer's side allows). -->
  <xsl:template match="l:tr">
    <xsl:variable name="width">
      <xsl:for-each select="../l:tr/l:td[1]">
        <xsl:sort select="string-length()" data-type="number" order="descending"/>
        <xsl:if test="position() = 1"><xsl:value-of select="string-length()"/></xsl:if>
      </xsl:for-each>
    </xsl:variable>
    <xsl:value-of select="concat('    ', l:td[1], substring('                              ', 1, $width - string-length(l:td[1])))"/>
    <xsl:for-each select="l:td[position() &gt; 1]">
      <xsl:text> : </xsl:text>
      <xsl:if test="position() = 1"><xsl:value-of select="$tab"/></xsl:if>
      <xsl:apply-templates/>
    </xsl:for-each>
    <xsl:value-of select="$nl"/>
  </xsl:template>
  <!-- A break inside a point or a row stays under its text: U+2028 tells the wrapping. -->
  <xsl:template match="l:br"><xsl:text>&#x2028;</xsl:text></xsl:template>
  <xsl:template match="l:p//text() | l:td//text()">
    <xsl:choose>
      <xsl:when test="contains(., '&#9;') or contains(., '&#10;')"><xsl:value-of select="translate(., '&#9;&#10;', '  ')"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="."/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="signature">
    <xsl:choose>
      <xsl:when test="$from/l:delegator_block">
        <xsl:value-of select="concat($right, 'a.n. ', $tab, $from/l:delegator_block, $nl)"/>
        <xsl:if test="$from/l:via_block"><xsl:value-of select="concat($right, '     ', $tab, $from/l:via_block, ',', $nl, $right, 'u.b.', $nl)"/></xsl:if>
        <xsl:value-of select="concat($right, '     ', $tab)"/>
        <xsl:call-template name="acting"/>
        <xsl:value-of select="concat($from/l:block, ',', $nl)"/>
      </xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="$right"/>
        <xsl:call-template name="acting"/>
        <xsl:value-of select="concat($tab, $from/l:block, ',', $nl)"/>
        <xsl:if test="$from/l:own_post_block"><xsl:value-of select="concat($right, $tab, $from/l:own_post_block, ',', $nl)"/></xsl:if>
      </xsl:otherwise>
    </xsl:choose>
    <xsl:value-of select="$nl"/>
    <xsl:if test="$from/l:holder/l:name"><xsl:value-of select="concat($right, $tab, $from/l:holder/l:name, $nl)"/></xsl:if>
    <xsl:if test="$from/l:holder/@print_rank = 'yes'">
      <xsl:if test="$from/l:holder/l:rank_title"><xsl:value-of select="concat($right, $tab, $from/l:holder/l:rank_title, $nl)"/></xsl:if>
      <xsl:if test="$from/l:holder/l:nip"><xsl:value-of select="concat($right, 'NIP. ', $from/l:holder/l:nip, $nl)"/></xsl:if>
    </xsl:if>
  </xsl:template>

  <xsl:template name="copies">
    <xsl:if test="$copies"><xsl:value-of select="concat($nl, 'Tembusan:', $nl)"/></xsl:if>
    <xsl:for-each select="$copies">
      <xsl:if test="last() &gt; 1"><xsl:value-of select="concat(position(), '. ')"/></xsl:if>
      <xsl:value-of select="concat($tab, 'Yth. ', normalize-space(l:name), substring(';.', 1 + number(position() = last()), 1), $nl)"/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="address-list">
    <xsl:if test="$listed">
      <xsl:value-of select="concat($nl, 'Daftar penerima (lampiran):', $nl)"/>
      <xsl:for-each select="$main"><xsl:value-of select="concat(position(), '. ', $tab, 'Yth. ', normalize-space(l:name), substring(';.', 1 + number(position() = last()), 1), $nl)"/></xsl:for-each>
    </xsl:if>
  </xsl:template>

  <xsl:template name="enclosures">
    <xsl:if test="l:enclosures/l:enclosure"><xsl:value-of select="concat($nl, 'Berkas lampiran:', $nl)"/></xsl:if>
    <xsl:for-each select="l:enclosures/l:enclosure">
      <xsl:value-of select="concat(position(), '. ', $tab, normalize-space(@name), ' (')"/>
      <xsl:call-template name="size"/>
      <xsl:value-of select="concat(')', $nl)"/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="foot">
    <xsl:if test="$form = 'outside'">
      <xsl:value-of select="concat($nl, $rule, $nl)"/>
      <xsl:text>Untuk menjawab, cukup balas surel ini seperti biasa.</xsl:text>
      <xsl:if test="$seal = 'yes'"> Berkas signature.asc adalah segel elektronik surel ini dan boleh diabaikan.</xsl:if>
      <xsl:value-of select="$nl"/>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
